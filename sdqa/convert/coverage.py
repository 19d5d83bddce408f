"""Weight coverage: every checkpoint parameter is in the program, and no weight in the program was invented.

A parameter is found by value, whatever converters did to its name and layout: rounding to fp16, then comparing sorted
values, survives transposition, reshaping and deduplication. Constants that no parameter explains must be explained by
what they are: a repeated value, a table of sinusoid frequencies, a causal mask, a position index.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from sdqa.errors import CoverageError

Array = NDArray[np.generic]

SMALL = 16
"""Constants with fewer elements are arguments (axes, strides, paddings, scales), not weights."""
COMPRESSED_SIMILARITY = 0.6
"""Least cosine between a parameter and its compressed form; 1-bit palettization of Gaussian weights keeps 0.80."""
_COMPRESSED = re.compile(r"_(palettized|quantized|sparsified|pruned)")
"""What compression passes append to the names of the constants that they make."""


class Coverage(BaseModel):
    """The outcome for one component."""

    model_config = ConfigDict(frozen=True)

    parameters: int
    """Parameter tensors that the computation uses."""
    found: int
    """Of those, how many are in the program, exactly after rounding or within compression."""
    exact: int
    """Of those found, how many are equal after rounding to the stored dtype."""
    missing: tuple[str, ...]
    """Parameters that are nowhere in the program."""
    invented: tuple[str, ...]
    """Constants of the program that come from no parameter and are not explained."""
    unused: tuple[str, ...]
    """Parameters that the torch computation itself does not use."""

    @property
    def complete(self) -> bool:
        """Everything found, nothing invented."""
        return not self.missing and not self.invented

    def __str__(self) -> str:
        parts = [f"{self.found} of {self.parameters} parameters found, {self.exact} exactly"]
        if self.missing:
            parts.append(f"missing: {_listing(self.missing)}")
        if self.invented:
            parts.append(f"invented: {_listing(self.invented)}")
        return "; ".join(parts)


def _listing(names: tuple[str, ...]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def measure_coverage(
    parameters: Mapping[str, Array], constants: Iterable[tuple[str, str | None, Array]], *, unused: Iterable[str] = ()
) -> Coverage:
    """Match the parameters of a checkpoint with the constants of a program.

    Args:
        parameters: by dotted name, float32.
        constants: of every array that the program reads, its name, the parameter that its name hints at, and its
            values, compressed ones unpacked.
        unused: parameters that the torch computation does not use; they need not be found.
    """
    unused = tuple(sorted(unused))
    wanted = {name: value for name, value in parameters.items() if name not in unused}
    exact: set[str] = set()
    close: set[str] = set()
    unnamed: list[tuple[str, Array]] = []
    for name, hint, value in constants:
        if hint in wanted and _equal(wanted[str(hint)], value):
            exact.add(str(hint))
        elif hint in wanted and _similar(wanted[str(hint)], value):
            close.add(str(hint))
        elif value.dtype.kind == "f":
            unnamed.append((name, value))
    by_size: dict[int, list[str]] = {}
    for name in sorted(set(wanted)):
        by_size.setdefault(wanted[name].size, []).append(name)
    digest = _Digests(wanted)
    invented = []
    for name, value in unnamed:
        print_of = _digest(value, value.dtype)
        matches = [other for other in by_size.get(value.size, ()) if digest(other, value.dtype) == print_of]
        exact.update(matches)
        # Compressed and renamed at once (position embeddings are): what still points where a parameter does.
        renamed = by_size.get(value.size, ()) if not matches and _COMPRESSED.search(name) else ()
        alike = [one for one in renamed if _similar(wanted[one], value)]
        close.update(alike)
        if not matches and not alike and value.size >= SMALL and not is_explained(value, wanted.values()):
            invented.append(name)
    # Equal parameters share one constant: what equals a found one is found.
    for name in sorted(set(wanted) - exact - close):
        if any(_equal(wanted[name], wanted[other]) for other in by_size[wanted[name].size] if other in exact):
            exact.add(name)
    return Coverage(
        parameters=len(wanted),
        found=len(exact | close),
        exact=len(exact),
        missing=tuple(sorted(set(wanted) - exact - close)),
        invented=tuple(sorted(invented)),
        unused=unused,
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
            hint="a block may be missing from the architecture, or left at random values by a non-strict load",
        )


def _digest(value: Array, dtype: np.dtype[np.generic]) -> str:
    """Digest of the sorted values after rounding: equal for any layout of the same numbers."""
    rounded = np.sort(_rounded(value, dtype), axis=None)
    return hashlib.sha256(rounded.tobytes()).hexdigest()


def _rounded(value: Array, dtype: np.dtype[np.generic]) -> Array:
    """In a stored dtype, with one zero instead of two."""
    with np.errstate(over="ignore"):
        return np.asarray(value.astype(dtype, copy=False) + dtype.type(0))


def _equal(parameter: Array, value: Array) -> bool:
    """Whether a constant holds a parameter, element by element, after rounding to the constant's dtype."""
    if parameter.size != value.size or value.dtype.kind != "f":
        return False
    return bool(np.array_equal(_rounded(parameter, value.dtype).ravel(), _rounded(value, value.dtype).ravel()))


def _similar(parameter: Array, value: Array) -> bool:
    """Whether a compressed constant still points where its parameter does, element by element."""
    if parameter.size != value.size:
        return False
    a, b = parameter.astype(np.float32).ravel(), value.astype(np.float32).ravel()
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return norms > 0 and float(a @ b) / norms >= COMPRESSED_SIMILARITY


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
