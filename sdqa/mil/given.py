"""What the shell gives a program: an .npz, single files, shapes, and inputs drawn at random."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sdqa.errors import InputError, UsageError
from sdqa.foreign import recognise
from sdqa.mil.capacity import refuse_beyond
from sdqa.mil.features import Feature

Shapes = Mapping[str, tuple[int, ...]]


def read_arrays(path: Path) -> dict[str, Any]:
    """The arrays of an .npz by name.

    Raises:
        InputError: it cannot be read, or holds python objects.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not hasattr(archive, "files"):
                raise ValueError("it is one array without a name")
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError) as error:
        foreign = recognise(path, expected="npz")
        what = f"the file is {foreign.what}" if foreign else f"the inputs cannot be read: {error}"
        raise InputError(what, where=path.name, hint=foreign.hint if foreign else "an .npz of arrays") from error


def read_files(features: Iterable[Feature], written: Iterable[str]) -> dict[str, Any]:
    """Inputs from `name=file`: pictures for images, .npy for arrays.

    Raises:
        UsageError: it is not written so, or there is no such input.
        InputError: a file cannot be read.
    """
    known = {feature.name: feature for feature in features if feature.kind != "state"}
    given: dict[str, Any] = {}
    for item in written:
        name, mark, file = item.partition("=")
        if not mark and len(known) == 1:
            name, file = next(iter(known)), item
        if name not in known or not file:
            raise UsageError(
                f"--input {item} names no input", hint=f"--input NAME=FILE; the inputs are {sorted(known)}"
            )
        given[name] = Path(file) if known[name].kind == "image" else _read_array(Path(file))
    return given


def _read_array(path: Path) -> Any:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        foreign = recognise(path)
        what = f"the file is {foreign.what}" if foreign else f"the array cannot be read: {error}"
        raise InputError(what, where=path.name, hint="a tensor is given as an .npy") from error
    if not isinstance(array, np.ndarray):
        raise InputError("the file holds several arrays", where=path.name, hint="give it with --inputs")
    return array


def read_shapes(features: Iterable[Feature], written: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Shapes by input from `name=1,3,64,64`.

    Raises:
        UsageError: it is not written so, there is no such input, or it cannot have that shape.
    """
    known = {feature.name: feature for feature in features if feature.kind != "state"}
    shapes: dict[str, tuple[int, ...]] = {}
    for item in written:
        name, _, sizes = item.rpartition("=")
        if not name and len(known) == 1:
            name = next(iter(known))
        try:
            shape = tuple(int(size) for size in sizes.replace("x", ",").split(",") if size.strip())
        except ValueError:
            shape = ()
        if name not in known or not sizes or not shape:
            raise UsageError(
                f"--shape {item} is no shape of an input",
                hint=f"--shape NAME=1,3,64,64; the inputs are {sorted(known)}",
            )
        if not known[name].admits(shape):
            raise UsageError(
                f"the input {name!r} cannot have the shape {list(shape)}",
                hint=f"expected is {known[name].expectation()}",
            )
        shapes[name] = shape
    return shapes


def draw(features: Iterable[Feature], seed: int, shapes: Shapes | None = None) -> dict[str, Any]:
    """Inputs at random, open dimensions at their smallest where no shape is given.

    Images are bytes, uniform from 0 to 255; other floating-point inputs are normally distributed; integers are zeros,
    since what they index is not known.

    Raises:
        InputError: an input would not fit into memory.
    """
    rng = np.random.default_rng(seed)
    drawn: dict[str, Any] = {}
    for feature in features:
        if feature.kind == "state":
            continue
        shape = (shapes or {}).get(feature.name, smallest_shape(feature))
        try:
            refuse_beyond(float(np.prod(shape, dtype=np.float64)))
        except ValueError as error:
            raise InputError(f"the input {feature.name!r} cannot be drawn: {error}") from error
        if feature.kind == "image":
            drawn[feature.name] = rng.integers(0, 256, shape).astype(np.float32)
        elif feature.dtype.startswith("fp"):
            drawn[feature.name] = rng.standard_normal(shape).astype(np.float32)
        else:
            drawn[feature.name] = np.zeros(shape, np.int32)
    return drawn


def smallest_shape(feature: Feature) -> tuple[int, ...]:
    """An admissible shape: the first of those enumerated, or every open dimension at its smallest."""
    if feature.choices:
        return feature.choices[0]
    lows = [low for low, _high in feature.ranges] or [1] * len(feature.shape)
    return tuple(max(low, 1) if size < 0 else size for size, low in zip(feature.shape, lows, strict=False))
