"""How a component's parameters differ from the checkpoint's as a whole: a lost adapter, another checkpoint, a factor.

One weight that is off is an operation's fault. Many that are off in the same way have one cause, and no operation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from sdqa.diagnose.weights import compare_weight

Array = npt.NDArray[np.generic]
Kind = Literal["", "adapter", "checkpoint", "range", "scaling"]

FEWEST = 4
"""Matrices from which a pattern may be seen in them."""
ENERGY = 0.99
"""Share of a difference's energy that its leading singular vectors hold, where its rank is low."""
LOW = 4
"""A rank counts as low up to this fraction of the smaller side."""
MOST = 0.8
"""Share of the matrices that differ in which a pattern is that of all."""
NEARLY_ALL = 0.9
"""Share of all matrices that differ, from which the checkpoint is another."""
DENSE = 0.5
"""Share of a matrix's elements that an adapter changes at least."""
CLOSE = 0.02
"""Relative distance at which a factor is a known one."""
LOOKED_AT = 48
"""Matrices whose difference is decomposed, the smallest first: it takes the cube of their side."""
RANGES = {2.0: "[0, 1]", 2 / 255: "[0, 255]"}
"""The factor of a first convolution that takes a picture in another range than [−1, 1]."""


@dataclass(frozen=True)
class Pattern:
    """What the differences have in common."""

    kind: Kind
    words: str


NONE = Pattern("", "")


def pattern(
    checkpoint: Mapping[str, Array], held: Mapping[str, Array], scaled: Mapping[str, float], scaling_factor: float
) -> Pattern:
    """The pattern in a component's differences; none where a single weight, or compression, is all there is.

    Args:
        held: what the package holds of the changed and scaled parameters, by the parameters' names.
        scaled: the factors of those that are there times one.
        scaling_factor: the VAE's.
    """
    known = _factor(scaled, scaling_factor)
    if known.kind:
        return known
    matrices = [name for name, value in checkpoint.items() if value.ndim > 1]
    other = {
        name: value
        for name, value in held.items()
        if (name in matrices and not compare_weight(checkpoint[name], value).quantised) or name in scaled
    }
    off = sorted((name for name in other if checkpoint[name].ndim > 1), key=lambda name: checkpoint[name].size)
    if len(off) < FEWEST:
        return NONE
    ranks = [_rank(checkpoint[name], other[name]) for name in off[:LOOKED_AT]]
    low = [rank for rank in ranks if rank]
    count = f"{len(held)} of {len(checkpoint)} parameters are not the checkpoint's"
    if len(low) >= MOST * len(ranks):
        several = f"{min(low)} to {max(low)}" if min(low) < max(low) else f"{low[0]}"
        return Pattern(
            "adapter",
            f"{count}: {len(off)} matrices differ by updates of rank {several}: an adapter of low rank is missing",
        )
    if len(off) >= NEARLY_ALL * len(matrices):
        typical = _typical(checkpoint, other, off)
        most = f"{len(off)} of {len(matrices)} matrices among them, by {typical} % in the median"
        return Pattern("checkpoint", f"{count}, {most}: it was converted from another checkpoint")
    return NONE


def _factor(scaled: Mapping[str, float], scaling_factor: float) -> Pattern:
    """A factor that has a name."""
    for name, factor in sorted(scaled.items()):
        for wanted, words in RANGES.items():
            if name.endswith("encoder.conv_in.weight") and _close(factor, wanted):
                return Pattern(
                    "range", f"{name} is scaled by {factor:.4g}: it takes pictures in {words} in place of [−1, 1]"
                )
        if name.endswith("decoder.conv_out.weight") and _close(factor, 0.5):
            return Pattern("range", f"{name} is scaled by 0.5: it gives pictures in [0, 1] in place of [−1, 1]")
        if any(_close(factor, one) for one in (scaling_factor, 1 / scaling_factor)):
            return Pattern(
                "scaling", f"{name} is scaled by {factor:.4g}: the scaling factor {scaling_factor:.5g} is inside"
            )
    return NONE


def _close(factor: float, wanted: float) -> bool:
    return abs(factor - wanted) <= CLOSE * abs(wanted)


def _rank(reference: Array, weight: Array) -> int:
    """The rank of a difference, where it is low and spread over the whole matrix; 0 where it is not."""
    rows = len(reference)
    wanted = np.asarray(reference, np.float64).reshape(rows, -1)
    difference = np.asarray(weight, np.float64).reshape(rows, -1) - wanted
    rounding = 2e-3 * np.abs(wanted).mean()
    if (np.abs(difference) > rounding).mean() < DENSE:
        return 0
    energy = np.square(np.linalg.svd(difference, compute_uv=False))
    rank = int(np.searchsorted(np.cumsum(energy), ENERGY * energy.sum())) + 1
    return rank if rank <= max(1, min(difference.shape) // LOW) else 0


def _typical(checkpoint: Mapping[str, Array], held: Mapping[str, Array], names: list[str]) -> int:
    """The median relative difference, in percent."""
    errors = [compare_weight(checkpoint[name], held[name]).relative_error for name in names[:LOOKED_AT]]
    return round(100 * float(np.median(errors)))
