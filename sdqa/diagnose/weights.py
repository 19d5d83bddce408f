"""A weight against what it should be: equal, rounded, quantised, or broken in a way that has a name."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

SAME = 2e-3
"""Relative error below which a weight is the checkpoint's, rounded: fp16 costs 3e-4, bfloat16 1.6e-3 (relative L2)."""
ALIKE = 0.999
"""Cosine above which one array is another but for rounding."""
FEWEST = 64
"""Elements below which nothing can be said about levels."""
ON_GRID = 0.03
"""Mean distance from whole multiples of the step at which a weight lies on the grid; by chance it is 0.25."""
LEVELS = 256
"""Distinct values up to which a weight with many elements counts as quantised."""


@dataclass(frozen=True)
class Comparison:
    """What became of a weight."""

    relative_error: float  # |w - reference| / |reference|, infinite when w is not finite
    cosine: float
    verdict: str
    quantised: bool = False  # in the way that compression does it, rightly or wrongly
    ordinary: bool = False  # nothing but rounding
    factor: float | None = None  # where it is the reference times one number

    @property
    def evidence(self) -> str:
        """For the written verdict."""
        if "(" in self.verdict:
            return self.verdict
        error = f"{self.relative_error:.3g}" if math.isfinite(self.relative_error) else "not finite"
        return f"{self.verdict} (cosine {self.cosine:.3f}, relative error {error})"


def compare_weight(reference: Array, weight: Array) -> Comparison:
    """Name the difference between a weight and its reference.

    Args:
        reference: what it should be; any layout with as many elements.
        weight: what is in the package, unpacked.
    """
    w, r = np.asarray(weight, np.float64), np.asarray(reference, np.float64)
    if w.size != r.size:
        return Comparison(math.inf, 0.0, f"{list(w.shape)} in place of {list(r.shape)}")
    if w.shape != r.shape:
        r = r.reshape(w.shape)
    if not np.isfinite(r).all():
        same = np.array_equal(w, r)
        return Comparison(
            0.0 if same else math.inf, 1.0 if same else 0.0, "equal" if same else "differs", ordinary=same
        )
    if not np.isfinite(w).all():
        count = int((~np.isfinite(w)).sum())
        words = f"{count} of {w.size} values are not finite"
        return Comparison(math.inf, 0.0, words, quantised=_has_few_levels(w, r))
    scale = float(np.linalg.norm(r))
    error = float(np.linalg.norm(w - r)) / scale if scale else float(np.linalg.norm(w))
    cosine = _cosine(w, r)
    if error == 0:
        return Comparison(error, 1.0, "equal", ordinary=True)
    if error <= SAME:
        return Comparison(error, cosine, "rounded", ordinary=True)
    compressed = _compression(w, r, cosine)
    if compressed:
        factor = float(np.vdot(w, r)) / float(np.vdot(r, r)) if compressed.startswith("scaled by") else None
        return Comparison(error, cosine, compressed, quantised=True, factor=factor)
    return Comparison(error, cosine, _name(w, r, error, cosine))


def _compression(w: Array, r: Array, cosine: float) -> str:
    """What compression may have done to a kernel: too few levels, lost or exchanged scales, clipping, pruning.

    Vectors (biases, gains) are not compressed, so nothing of the kind is said of them.
    """
    if w.ndim < 2 or not w.any() or _is_identity(w):
        return ""
    if _has_few_levels(w, r):
        return f"quantised to {len(np.unique(w))} levels"
    if _has_few_levels_in_channels(w, r):
        return f"quantised to {max(len(np.unique(row)) for row in w)} levels a channel"
    if cosine > ALIKE and not np.any((w == 0) & (r != 0)):
        factor = float(np.vdot(w, r)) / float(np.vdot(r, r))
        if float(np.linalg.norm(w - factor * r)) < SAME * float(np.linalg.norm(w)):
            return f"scaled by {factor:.4g}"
    changed = abs(w - r) > SAME * np.maximum(abs(r), abs(r).mean())
    zeroed = changed & (w == 0)
    if changed.any() and zeroed.sum() == changed.sum():
        kept = abs(r[w != 0])
        if float(np.quantile(kept, 0.01)) >= 0.98 * float(abs(r[zeroed]).max()):
            return f"pruned: the smallest {100 * float((w == 0).mean()):.3g} % are zero"
    limit = float(abs(w).max())
    if changed.any() and np.allclose(abs(w[changed]), limit, rtol=SAME) and bool((abs(r[changed]) > limit).all()):
        return f"clipped at {limit:.3g}, the largest is {float(abs(r).max()):.3g}"
    channels = _channel_factors(w, r)
    if channels is not None:
        return f"channels scaled by {channels[0]:.3g} to {channels[1]:.3g}"
    return ""


def _name(w: Array, r: Array, error: float, cosine: float) -> str:
    if not w.any():
        return "zeroed"
    if _is_identity(w):
        return "the identity"
    factor = float(np.vdot(w, r)) / float(np.vdot(r, r)) if r.any() else 0.0
    if abs(cosine) > ALIKE:
        return "sign reversed" if abs(factor + 1) < 0.01 else f"scaled by {factor:.4g}"
    shift = w - r
    if float(shift.std()) <= 0.02 * float(abs(shift).mean()):
        return f"shifted by {float(shift.mean()):.4g}"
    for what, moved in _rearrangements(r):
        found = _cosine(w, moved)
        if found > max(0.99, cosine + 0.02):
            return f"{what} (cosine {cosine:.2f}, {what.split()[-1]} {found:.2f})"
    changed = w != r
    touched = changed & (abs(w - r) > 2e-3 * np.maximum(abs(r), abs(r).mean()))
    if 0 < touched.mean() < 0.6:
        zeros = touched & (w == 0)
        if zeros.sum() > 0.9 * touched.sum():
            return f"{100 * touched.mean():.3g} % of its values zeroed"
        return f"{100 * touched.mean():.3g} % of its values changed"
    if np.allclose(np.sort(w, axis=None), np.sort(r, axis=None), rtol=2e-3, atol=1e-6 * float(abs(r).max())):
        return "its values rearranged"
    if cosine < 0.2:
        return "unrelated to the checkpoint"
    return f"noise of {100 * error:.3g} %"


def _rearrangements(r: Array) -> Iterator[tuple[str, Array]]:
    """The ways in which converters misplace a weight, as views of the same shape."""
    for axes in permutations(range(r.ndim)):
        if axes != tuple(range(r.ndim)):
            moved = r.transpose(axes)
            what = "kernel transposed" if r.ndim >= 3 else "transposed"
            if moved.shape == r.shape:
                yield what, moved
            else:
                yield "reshaped for transposed", moved.reshape(r.shape)
    for axis in range(r.ndim):
        yield (f"axis {axis} flipped", np.flip(r, axis))
        for parts in (2, 3):
            if r.shape[axis] % parts == 0 and r.shape[axis] > parts - 1:
                half = r.shape[axis] // parts
                yield (f"parts of axis {axis} rolled", np.roll(r, half, axis))
        yield (f"axis {axis} rolled", np.roll(r, 1, axis))


def _has_few_levels(w: Array, r: Array) -> bool:
    """Few distinct values where the reference has many, or values on the grid of an integer type."""
    if w.size < FEWEST:
        return False
    distinct = len(np.unique(w))
    if distinct <= min(LEVELS, w.size // 4) and len(np.unique(r)) > 2 * distinct:
        return True
    step = float(abs(r).max()) / 127
    if distinct > LEVELS or not step or not np.isfinite(w).all():
        return False
    return float(abs(w / step - np.rint(w / step)).mean()) < ON_GRID


def _has_few_levels_in_channels(w: Array, r: Array) -> bool:
    """Few distinct values in every output channel where the reference has many: a scale for each of them."""
    rows, expected = w.reshape(len(w), -1), r.reshape(len(r), -1)
    most = min(LEVELS, rows.shape[1] // 4)
    if rows.shape[1] < FEWEST or len(np.unique(rows[0])) > most:
        return False
    distinct = max(len(np.unique(row)) for row in rows)
    return distinct <= most and float(np.median([len(np.unique(row)) for row in expected])) > 2 * distinct


def _is_identity(w: Array) -> bool:
    """Whether a square matrix, or a kernel, gives what it is given: an exporter left it out. It has two levels only."""
    if w.ndim < 2 or w.shape[0] != w.shape[1]:
        return False
    same = np.zeros_like(w)
    middle = tuple(size // 2 for size in w.shape[2:])
    for channel in range(len(w)):
        same[(channel, channel, *middle)] = 1
    return bool(np.array_equal(w, same))


def _channel_factors(w: Array, r: Array) -> tuple[float, float] | None:
    """The range of factors, when every output channel is its reference times one positive number."""
    if w.ndim < 2:
        return None
    rows, expected = w.reshape(len(w), -1), r.reshape(len(r), -1)
    power = (expected**2).sum(axis=1)
    if not power.all():
        return None
    factors = (rows * expected).sum(axis=1) / power
    rest = float(np.linalg.norm(rows - factors[:, None] * expected)) / max(float(np.linalg.norm(rows)), 1e-30)
    return (float(factors.min()), float(factors.max())) if rest < 5 * SAME and factors.min() > 0 else None


def _cosine(a: Array, b: Array) -> float:
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.vdot(a, b)) / length if length > 0 else 0.0
