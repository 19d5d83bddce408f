"""How far a component's output is from the reference, in figures that NaN, spikes and local garbage cannot fool.

The peak of every PSNR is the reference's, a non-finite element makes every figure NaN, and the worst tile is reported
beside the whole.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

CEILING_DB = 200.0
"""What equal arrays score; float32 arithmetic alone costs everything above about 140 dB."""
TILES = 4
"""Tiles a side for the local minimum."""
MEAN_AND_STD = "mean and standard deviation"


@dataclass(frozen=True)
class Discrepancy:
    """One output against its reference."""

    psnr_db: float  # 10 log10(peak² / mean square error); NaN when anything is not finite
    cosine: float
    max_abs: float
    tile_min_db: float  # of a 4 x 4 grid over the last two axes; the whole for flat outputs
    noise: float  # mean square error / peak², the linear form of `psnr_db`; infinite when not finite
    nonfinite: int  # elements that are NaN or infinite although the reference's are finite

    @property
    def finite(self) -> bool:
        """Whether every element is finite where the reference is."""
        return self.nonfinite == 0


def decibel(noise: float) -> float:
    """Noise power relative to the peak's, as PSNR; at most `CEILING_DB`, NaN for infinite noise."""
    if not math.isfinite(noise):
        return math.nan
    return min(CEILING_DB, -10 * math.log10(noise)) if noise > 0 else CEILING_DB


def compare(reference: Array, tested: Array) -> Discrepancy:
    """Compare two arrays of the same shape, in float64.

    Raises:
        ValueError: the shapes differ.
    """
    if reference.shape != tested.shape:
        raise ValueError(f"shapes differ: {reference.shape} and {tested.shape}")
    x, y = np.asarray(reference, np.float64), np.asarray(tested, np.float64)
    known = np.isfinite(x)
    nonfinite = int((known & ~np.isfinite(y)).sum())
    if nonfinite:
        return Discrepancy(math.nan, math.nan, math.nan, math.nan, math.inf, nonfinite)
    if not known.all():  # a mask of -inf, say: what the reference does not define cannot differ
        x, y = np.where(known, x, 0.0), np.where(known, y, 0.0)
    square = (x - y) ** 2
    peak = float(np.abs(x).max(initial=0.0)) ** 2
    noise = _ratio(float(square.mean()) if square.size else 0.0, peak)
    worst = _ratio(_tile_maximum(square), peak)
    length = float(np.linalg.norm(x) * np.linalg.norm(y))
    cosine = float(np.vdot(x, y)) / length if length > 0 else float(np.array_equal(x, y))
    return Discrepancy(
        decibel(noise), cosine, float(np.sqrt(square.max(initial=0.0))), decibel(worst), noise, nonfinite
    )


def _ratio(error: float, peak: float) -> float:
    if error == 0:
        return 0.0
    return error / peak if peak > 0 else 1.0


def _tile_maximum(square: Array) -> float:
    """Largest mean over the tiles of the last two axes."""
    if square.ndim < 4 or min(square.shape[-2:]) < TILES:
        return float(square.mean()) if square.size else 0.0
    rows = np.array_split(square, TILES, axis=-2)
    return max(float(tile.mean()) for row in rows for tile in np.array_split(row, TILES, axis=-1))


def effective(component: str, outputs: Mapping[str, Array]) -> dict[str, Array]:
    """The outputs as the pipeline uses them.

    A VAE encoder's log-variance of -20 is as good as -15: its mean and its standard deviation are what is compared,
    side by side, so that the deviation counts in the mean's unit.
    """
    if component != "vae_encoder" or "latent" not in outputs:
        return dict(outputs)
    mean, log_variance = np.split(np.asarray(outputs["latent"], np.float64), 2, axis=1)
    deviation = np.exp(0.5 * np.clip(log_variance, -30.0, 20.0))
    rest = {name: value for name, value in outputs.items() if name != "latent"}
    return {MEAN_AND_STD: np.concatenate([mean, deviation], axis=1), **rest}


def compare_outputs(component: str, reference: Mapping[str, Array], tested: Mapping[str, Array]) -> Discrepancy:
    """The worst of a component's outputs; an output that is missing or has another shape counts as not finite."""
    expected, found = effective(component, reference), effective(component, tested)
    worst: Discrepancy | None = None
    for name, value in expected.items():
        if name not in found or found[name].shape != value.shape:
            return Discrepancy(math.nan, math.nan, math.nan, math.nan, math.inf, int(value.size))
        one = compare(value, found[name])
        if worst is None or one.noise > worst.noise:
            worst = one
    if worst is None:
        raise ValueError(f"{component} has no outputs to compare")
    return worst
