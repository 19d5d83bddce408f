"""What became of a parameter in a program: one of the ways in which a constant can come from it, or none.

Rounding is judged element by element. A compressed constant is held against the best that its own levels could do:
where its values are not the nearest ones, it was not made of this parameter, however well it points the same way.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sdqa.arrays import Floats

Array = NDArray[np.generic]

Fate = Literal["equal", "rounded", "compressed", "scaled", "changed", "unrelated"]

ROUNDING = 2.0**-8
"""Relative change of a value that rounding explains, through bfloat16 too."""
SMALLEST = 2.0**-23
"""Absolute change that rounding to half precision explains: its subnormal numbers are 2^-24 apart."""
NEAREST = 1.5
"""Error of a compressed weight, as a multiple of what the nearest of its levels would leave; recipes that weigh errors
by what they do to a layer's output leave more than the least."""
RELATED = 0.6
"""Least cosine at which a constant under a parameter's name is that parameter, changed."""
PROPORTIONAL = 0.9999
"""Cosine from which one array may be a multiple of another; then the rest decides."""
PRUNED = 0.8
"""Root mean square of what was pruned, at most, as a share of that of what was kept."""
SAMPLE = 1 << 18
"""Elements from which the nearest level is looked for in a part of a weight."""


class Held(NamedTuple):
    """A constant of a program."""

    name: str
    hint: str | None
    """The parameter that its name points at."""
    value: Array
    """Unpacked."""
    blocks: tuple[int, ...] | None = None
    """Where it is stored compressed: how many tables or scales there are along each axis; None where it is not."""
    sparse: bool = False
    """Whether its zeros are what pruning left out."""


class Found(NamedTuple):
    """A parameter's fate in one constant."""

    fate: Fate
    factor: float = 1.0
    """Of what was scaled."""


def fate_of(parameter: Array, held: Held) -> Found:
    """What a constant is of a parameter with as many elements, in the same order."""
    if parameter.size != held.value.size or held.value.dtype.kind != "f":
        return Found("unrelated")
    stored = held.value.dtype
    if np.array_equal(rounded(parameter, stored).ravel(), rounded(held.value, stored).ravel()):
        return Found("equal" if _exact(parameter, stored) else "rounded")
    wanted, found = _flat(parameter), _flat(held.value)
    if not np.isfinite(found).all():
        return Found("changed")
    if _is_rounding(wanted, found):
        return Found("rounded")
    if held.blocks is not None and _is_nearest(wanted, held):
        return Found("compressed")
    norms = float(np.linalg.norm(wanted)) * float(np.linalg.norm(found))
    cosine = float(wanted @ found) / norms if norms > 0 else 0.0
    if cosine >= PROPORTIONAL:
        factor = float(wanted @ found) / float(wanted @ wanted)
        if _is_rounding(np.float32(factor) * wanted, found):
            return Found("scaled", factor)
    return Found("changed") if cosine >= RELATED else Found("unrelated")


def rounded(value: Array, dtype: np.dtype[np.generic]) -> Array:
    """In a stored dtype, with one zero instead of two."""
    with np.errstate(over="ignore"):
        return np.asarray(value.astype(dtype, copy=False) + dtype.type(0))


def is_neutral(parameter: Array) -> bool:
    """Whether an operation with it changes nothing, so that it can be folded away: ones, or zeros."""
    first = parameter.flat[0] if parameter.size else 1
    return bool(first in (0, 1) and (parameter == first).all())


def _exact(parameter: Array, dtype: np.dtype[np.generic]) -> bool:
    """Whether a dtype holds a parameter as it is."""
    with np.errstate(over="ignore"):
        return bool(np.array_equal(parameter.astype(dtype).astype(parameter.dtype), parameter))


def _flat(value: Array) -> Floats:
    return np.asarray(value, dtype=np.float32).ravel()


def _is_rounding(wanted: Floats, found: Floats) -> bool:
    return bool((np.abs(found - wanted) <= ROUNDING * np.abs(wanted) + SMALLEST).all())


def _is_nearest(wanted: Floats, held: Held) -> bool:
    """Whether a compressed constant's error is about what its levels leave at best, and the smallest were pruned."""
    least = actual = pruned = power = 0.0
    kept = total = 0
    for expected, value in _blocks(wanted, held):
        there = value != 0 if held.sparse else np.ones(value.shape, dtype=bool)
        total, kept = total + value.size, kept + int(there.sum())
        power += _energy(expected)
        pruned += _energy(expected[~there])
        expected, value = expected[there], value[there]
        levels = np.unique(value)
        if not levels.size:
            continue
        best = levels[np.searchsorted((levels[1:] + levels[:-1]) / 2, expected)]
        least += _energy(expected - best)
        actual += _energy(expected - value)
    smallest = pruned * kept <= PRUNED**2 * (power - pruned) * (total - kept)
    return smallest and actual <= NEAREST**2 * least + ROUNDING**2 * power


def _energy(values: Floats) -> float:
    return float(np.square(values, dtype=np.float64).sum())


def _blocks(wanted: Floats, held: Held) -> list[tuple[Floats, Floats]]:
    """Parameter and constant, block by block, each with one table or scale; some of them where there are many."""
    shape = held.value.shape or (1,)
    given = (*(held.blocks or ()), *[1] * len(shape))[: len(shape)]
    whole = all(count <= size and size % count == 0 for count, size in zip(given, shape, strict=True))
    counts = given if whole else (1,) * len(shape)
    split = [part for count, size in zip(counts, shape, strict=True) for part in (count, size // count)]
    order = (*range(0, len(split), 2), *range(1, len(split), 2))
    total = int(np.prod(counts, dtype=np.int64))
    first, second = (
        np.asarray(each, dtype=np.float32).reshape(split).transpose(order).reshape(total, -1)
        for each in (wanted, held.value)
    )
    size = first.shape[1]
    if total == 1:
        step = max(1, size // SAMPLE)
        return [(first[0, ::step], second[0, ::step])]
    return [(first[index], second[index]) for index in range(0, total, max(1, total * size // SAMPLE))]
