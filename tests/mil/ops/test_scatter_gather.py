"""Indexed reads and writes against loops over the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .oracle import inferred, numbers, run, same

Array = np.ndarray[Any, Any]
MODES = ("update", "add", "sub", "mul", "div", "max", "min")


def combined(old: Array, new: Array, mode: str) -> Array:
    """One step of a scatter."""
    steps: dict[str, Any] = {
        "update": new,
        "add": old + new,
        "sub": old - new,
        "mul": old * new,
        "div": old / new,
        "max": np.maximum(old, new),
        "min": np.minimum(old, new),
    }
    return np.asarray(steps[mode])


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("indices", [[1, 0, 1], [[0, 1], [2, -1]], 1])
def test_gather(axis: int, indices: Any) -> None:
    x, places = numbers(3, 4, 5), np.array(indices, np.int32)
    same(run("gather", x=x, indices=places, axis=axis), np.take(x, places, axis))


@pytest.mark.parametrize(("axis", "batch_dims"), [(1, 1), (2, 1), (2, 2)])
def test_gather_with_batch_dimensions(axis: int, batch_dims: int) -> None:
    x = numbers(2, 3, 4, 5)
    indices = np.random.default_rng(2).integers(0, 3, (2, 3, 6)).astype(np.int32)
    arguments: dict[str, Any] = {"axis": axis, "batch_dims": batch_dims}
    same(run("gather", x=x, indices=indices, **arguments), inferred("gather", x=x, indices=indices, **arguments))


def test_gather_refuses_an_index_outside() -> None:
    with pytest.raises(IndexError, match="between 3 and 3 into a dimension of size 3"):
        run("gather", x=numbers(3), indices=np.array([3], np.int32))


def test_gather_refuses_batches_that_differ() -> None:
    with pytest.raises(ValueError, match="batch dimensions"):
        run("gather", x=numbers(2, 3), indices=np.zeros((3, 2), np.int32), axis=1, batch_dims=1)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_gather_along_axis(axis: int) -> None:
    x = numbers(3, 4, 5)
    shape = list(x.shape)
    shape[axis] = 7
    indices = np.random.default_rng(2).integers(0, x.shape[axis], shape).astype(np.int32)
    same(run("gather_along_axis", x=x, indices=indices, axis=axis), np.take_along_axis(x, indices, axis))


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_gather_nd(depth: int) -> None:
    x = numbers(3, 4, 5)
    indices = np.random.default_rng(depth).integers(0, 3, (2, 6, depth)).astype(np.int32)
    same(run("gather_nd", x=x, indices=indices), x[tuple(np.moveaxis(indices, -1, 0))])


def test_gather_nd_with_batch_dimensions() -> None:
    x = numbers(2, 3, 4, 5)
    indices = np.random.default_rng(1).integers(0, 4, (2, 3, 6, 2)).astype(np.int32) % [4, 5]
    actual = run("gather_nd", x=x, indices=indices.astype(np.int32), batch_dims=2)
    for i, j, k in np.ndindex(2, 3, 6):
        same(actual[i, j, k], x[i, j, indices[i, j, k, 0], indices[i, j, k, 1]])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_scatter(mode: str, axis: int) -> None:
    data, indices = numbers(3, 4, 5, low=1, high=3), np.array([1, 0, -1], np.int32)
    shape = list(data.shape)
    shape[axis] = 3
    updates = numbers(*shape, low=1, high=3, seed=1)
    expected = np.moveaxis(data.copy(), axis, 0)
    for place, index in enumerate(indices):
        expected[index] = combined(expected[index], np.moveaxis(updates, axis, 0)[place], mode)
    actual = run("scatter", data=data, indices=indices, updates=updates, axis=axis, mode=mode)
    same(actual, np.moveaxis(expected, 0, axis))


@pytest.mark.parametrize("mode", MODES)
def test_scatter_combines_at_repeated_places(mode: str) -> None:
    data, indices, updates = (
        np.array([8.0, 8.0], np.float32),
        np.array([1, 1], np.int32),
        np.array([2.0, 4.0], np.float32),
    )
    expected = data.copy()
    for index, update in zip(indices, updates, strict=True):
        expected[index] = combined(expected[index], update, mode)
    same(run("scatter", data=data, indices=indices, updates=updates, mode=mode), expected)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("depth", [1, 2])
def test_scatter_nd(mode: str, depth: int) -> None:
    data = numbers(3, 4, 5, low=1, high=3)
    indices = np.array([[0, 1], [2, 3], [1, 0]], np.int32)[:, :depth]
    updates = numbers(3, *data.shape[depth:], low=1, high=3, seed=1)
    expected = data.copy()
    for index, update in zip(indices, updates, strict=True):
        expected[tuple(index)] = combined(expected[tuple(index)], update, mode)
    same(run("scatter_nd", data=data, indices=indices, updates=updates, mode=mode), expected)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("axis", [0, -1])
def test_scatter_along_axis(mode: str, axis: int) -> None:
    data = numbers(3, 4, low=1, high=3)
    indices = np.stack([np.random.default_rng(i).permutation(3) for i in range(4)], 1).astype(np.int32)
    if axis == -1:
        indices = np.stack([np.random.default_rng(i).permutation(4) for i in range(3)]).astype(np.int32)
    updates = numbers(*indices.shape, low=1, high=3, seed=1)
    expected = data.copy()
    old = np.take_along_axis(data, indices, axis)
    np.put_along_axis(expected, indices, combined(old, updates, mode), axis)
    actual = run("scatter_along_axis", data=data, indices=indices, updates=updates, axis=axis, mode=mode)
    same(actual, expected)


def test_scatter_refuses_an_unknown_mode_and_an_index_outside() -> None:
    arguments = {"data": numbers(3), "indices": np.array([0], np.int32), "updates": numbers(1)}
    with pytest.raises(ValueError, match="no mode 'replace'"):
        run("scatter", **arguments, mode="replace")
    with pytest.raises(IndexError):
        run("scatter", **arguments | {"indices": np.array([-4], np.int32)})


@pytest.mark.parametrize("index", [-1, 3])
def test_validated_indices_must_not_be_negative_or_too_large(index: int) -> None:
    indices, update = np.array([index], np.int32), numbers(1)
    with pytest.raises(IndexError):
        run("gather", x=numbers(3), indices=indices, validate_indices=True)
    with pytest.raises(IndexError):
        run("gather_nd", x=numbers(3), indices=indices[:, None], validate_indices=True)
    with pytest.raises(IndexError):
        run("gather_along_axis", x=numbers(3), indices=indices, validate_indices=True)
    for name, places in (("scatter", indices), ("scatter_along_axis", indices), ("scatter_nd", indices[:, None])):
        with pytest.raises(IndexError):
            run(name, data=numbers(3), indices=places, updates=update, validate_indices=True)


def test_no_indices_read_and_change_nothing() -> None:
    data, none = numbers(3, 4), np.zeros((0, 2), np.int32)
    assert run("gather_nd", x=data, indices=none).shape == (0,)
    assert run("gather_nd", x=data, indices=none[:, :1]).shape == (0, 4)
    assert run("gather", x=data, indices=none[:, 0]).shape == (0, 4)
    same(run("scatter_nd", data=data, indices=none, updates=np.zeros(0, np.float32)), data)
    same(run("scatter_nd", data=data, indices=none, updates=np.zeros(1, np.float32)), data)
    same(run("scatter", data=data, indices=none[:, 0], updates=np.zeros((0, 4), np.float32)), data)
