"""Weight coverage: every checkpoint parameter is in the program, and no weight in the program was invented.

A parameter is found by name, or by value, whatever converters did to its name and layout: rounding to the stored dtype,
then comparing sorted values, survives transposition, reshaping and deduplication. Constants that no parameter explains
must be explained by what they are: a repeated value, a table of sinusoid frequencies, a causal mask, a position index.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from sdqa.convert.fates import Array, Fate, Found, Held, fate_of, is_neutral, rounded
from sdqa.errors import CoverageError

SMALL = 16
"""Constants with fewer elements are arguments (axes, strides, paddings, scales), not weights."""
_COMPRESSED = re.compile(r"_(palettized|quantized|sparsified|pruned)")
"""What compression passes append to the names of the constants that they make."""
_SPARSE = re.compile(r"_(sparsified|pruned)")
_SOUND: tuple[Fate, ...] = ("equal", "rounded", "compressed", "scaled")
_BEST = {fate: rank for rank, fate in enumerate((*_SOUND, "changed"))}


class Coverage(BaseModel):
    """The outcome for one component."""

    model_config = ConfigDict(frozen=True)

    parameters: int
    """Parameter tensors that the computation uses."""
    found: int
    """Of those, how many are in the program: equal, rounded, compressed, scaled or folded away."""
    exact: int
    """Of those found, how many are equal but for rounding."""
    missing: tuple[str, ...]
    """Parameters that are nowhere in the program."""
    invented: tuple[str, ...]
    """Constants of the program that come from no parameter and are not explained."""
    unused: tuple[str, ...]
    """Parameters that the torch computation itself does not use."""
    equal: int = 0
    """Of those found, how many are stored as they are, without rounding."""
    rounded: int = 0
    """How many differ by the rounding of a dtype."""
    compressed: int = 0
    """How many are as near as their own table or scale could bring them."""
    scaled: dict[str, float] = {}
    """Those that are there times one factor."""
    folded: tuple[str, ...] = ()
    """Those that change nothing (ones, zeros) and are not there."""
    changed: tuple[str, ...] = ()
    """Those that are there with other values."""

    @property
    def complete(self) -> bool:
        """Everything found, nothing changed or invented."""
        return not self.missing and not self.changed and not self.invented

    def __str__(self) -> str:
        parts = [f"{self.found} of {self.parameters} parameters found, {self.exact} exactly"]
        if self.changed:
            count = f"{len(self.changed)} of {self.parameters} parameters"
            parts.append(f"changed: {count} ({_listing(self.changed)})")
        if self.scaled:
            factors = ", ".join(f"{name} by {factor:.4g}" for name, factor in sorted(self.scaled.items())[:6])
            parts.append(f"scaled: {len(self.scaled)} ({factors})")
        if self.folded:
            parts.append(f"folded away: {len(self.folded)}")
        if self.missing:
            parts.append(f"missing: {_listing(self.missing)}")
        if self.invented:
            parts.append(f"invented: {_listing(self.invented)}")
        return "; ".join(parts)


def _listing(names: tuple[str, ...]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def measure_coverage(
    parameters: Mapping[str, Array],
    constants: Iterable[Held | tuple[str, str | None, Array]],
    *,
    unused: Iterable[str] = (),
) -> Coverage:
    """Match the parameters of a checkpoint with the constants of a program.

    Args:
        parameters: by dotted name, float32.
        constants: every array that the program reads; where nothing says how it is stored, its name does.
        unused: parameters that the torch computation does not use; they need not be found.
    """
    unused = tuple(sorted(unused))
    wanted = {name: value for name, value in parameters.items() if name not in unused}
    fates: dict[str, Found] = {}
    unnamed: list[Held] = []

    def note(name: str, found: Found) -> None:
        if name not in fates or _BEST[found.fate] < _BEST[fates[name].fate]:
            fates[name] = found

    for each in constants:
        held = _told(Held(*each))
        found = fate_of(wanted[held.hint], held) if held.hint in wanted else Found("unrelated")
        if held.hint is not None and found.fate != "unrelated":
            note(held.hint, found)
        elif held.value.dtype.kind == "f":
            unnamed.append(held)
    by_size: dict[int, list[str]] = {}
    for name in sorted(wanted):
        by_size.setdefault(wanted[name].size, []).append(name)
    digest = _Digests(wanted)
    invented = []
    for held in unnamed:
        matches = _by_value(held, by_size.get(held.value.size, ()), wanted, digest)
        for name, found in matches.items():
            note(name, found)
        if not matches and held.value.size >= SMALL and not is_explained(held.value, wanted.values()):
            invented.append(held.name)
    for name in sorted(set(wanted) - _sound(fates)):
        # Equal parameters share one constant: what equals a found one is found.
        twin = next((one for one in by_size[wanted[name].size] if _shares(name, one, wanted, fates)), None)
        if twin is not None:
            fates[name] = fates[twin]
    return _counted(wanted, fates, tuple(sorted(invented)), unused)


def _told(held: Held) -> Held:
    """A constant that nothing but its name says is compressed."""
    if held.blocks is None and _COMPRESSED.search(held.name):
        return held._replace(blocks=(), sparse=bool(_SPARSE.search(held.name)))
    return held


def _by_value(held: Held, names: Iterable[str], wanted: Mapping[str, Array], digest: _Digests) -> dict[str, Found]:
    """The parameters that a constant without a name is: of the same values, or compressed or scaled in place."""
    print_of = _digest(held.value, held.value.dtype)
    same = [name for name in names if digest(name, held.value.dtype) == print_of]
    if same or held.value.size < SMALL:
        return dict.fromkeys(same, Found("rounded"))
    found = {name: fate_of(wanted[name], held) for name in names}
    return {name: one for name, one in found.items() if one.fate in _SOUND}


def _sound(fates: Mapping[str, Found]) -> set[str]:
    return {name for name, found in fates.items() if found.fate in _SOUND}


def _shares(name: str, other: str, wanted: Mapping[str, Array], fates: Mapping[str, Found]) -> bool:
    """Whether another parameter of the same values is in the program, equal or rounded."""
    return (
        other != name
        and other in fates
        and fates[other].fate in ("equal", "rounded")
        and bool(np.array_equal(wanted[name].ravel(), wanted[other].ravel()))
    )


def _counted(
    wanted: Mapping[str, Array], fates: Mapping[str, Found], invented: tuple[str, ...], unused: tuple[str, ...]
) -> Coverage:
    sound = _sound(fates)
    lost = set(wanted) - sound
    folded = {name for name in lost if name not in fates and is_neutral(wanted[name])}
    changed = {name for name in lost if name in fates}
    counts = Counter(fates[name].fate for name in sound)
    return Coverage(
        parameters=len(wanted),
        found=len(sound | folded),
        exact=counts["equal"] + counts["rounded"],
        missing=tuple(sorted(lost - folded - changed)),
        invented=invented,
        unused=unused,
        equal=counts["equal"],
        rounded=counts["rounded"],
        compressed=counts["compressed"],
        scaled={name: round(fates[name].factor, 6) for name in sorted(sound) if fates[name].fate == "scaled"},
        folded=tuple(sorted(folded)),
        changed=tuple(sorted(changed)),
    )


class _Digests:
    """Digests of parameters after rounding to a dtype, each computed once."""

    def __init__(self, parameters: Mapping[str, Array]) -> None:
        self._parameters = parameters
        self._known: dict[tuple[str, str], str] = {}

    def __call__(self, name: str, dtype: np.dtype[np.generic]) -> str:
        key = (name, dtype.str)
        if key not in self._known:
            self._known[key] = _digest(self._parameters[name], dtype)
        return self._known[key]


def require_coverage(coverage: Coverage, *, where: str) -> None:
    """Refuse a program that lost a parameter or gained one.

    Raises:
        CoverageError: with the names.
    """
    if not coverage.complete:
        raise CoverageError(
            f"the program does not hold the checkpoint: {coverage}",
            where=where,
            hint="a block may be missing from the architecture or left at random values by a non-strict load, or the "
            "program was converted from another checkpoint",
        )


def _digest(value: Array, dtype: np.dtype[np.generic]) -> str:
    """Digest of the sorted values after rounding: equal for any layout of the same numbers."""
    return hashlib.sha256(np.sort(rounded(value, dtype), axis=None).tobytes()).hexdigest()


def is_explained(value: Array, parameters: Iterable[Array]) -> bool:
    """Whether a constant that is no parameter is one of the tables that a diffusion model computes from nothing."""
    if value.dtype.kind in "iub":
        return True
    flat = np.asarray(value, dtype=np.float64).ravel()
    return (
        bool((flat == flat[0]).all())
        or _is_frequency_table(flat)
        or _is_mask(value)
        or any(_is_slice(value, parameter) for parameter in parameters)
    )


def _is_frequency_table(flat: NDArray[np.float64]) -> bool:
    """A geometric progression from 1 downwards: the sinusoids of a timestep embedding."""
    if flat[0] != 1.0 or not (flat > 0).all() or not (np.diff(flat) < 0).all():
        return False
    expected = np.exp(np.linspace(0.0, np.log(flat[-1]), flat.size))
    return bool(np.allclose(flat, expected, rtol=5e-3, atol=1e-6))


def _is_mask(value: Array) -> bool:
    """A causal mask: square, zero on and below the diagonal, one negative number above."""
    if value.ndim < 2 or value.shape[-1] != value.shape[-2] or value.shape[-1] < 2:
        return False
    square = np.asarray(value, dtype=np.float64).reshape(-1, *value.shape[-2:])[0]
    above = square[np.triu_indices_from(square, 1)]
    return bool((np.tril(square) == 0).all() and (above == above[0]).all() and above[0] < 0)


def _is_slice(value: Array, parameter: Array) -> bool:
    """The first rows of a parameter: position embeddings, looked up when converting."""
    rows = value.reshape(-1, value.shape[-1]) if value.ndim > 1 else value
    if parameter.ndim != rows.ndim or parameter.shape[1:] != rows.shape[1:] or len(parameter) < len(rows):
        return False
    return bool((parameter[: len(rows)].astype(value.dtype) == rows).all())
