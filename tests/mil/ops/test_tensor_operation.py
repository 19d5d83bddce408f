"""Putting together, filling, padding, sorting, against numpy and coremltools' value inference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .oracle import inferred, numbers, run, same


def test_shape_and_identity() -> None:
    x = numbers(2, 3)
    assert run("shape", x=x).tolist() == [2, 3]
    assert run("shape", x=x).dtype == np.int32
    same(run("identity", x=x), x)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_concat_and_stack(axis: int) -> None:
    a, b = numbers(2, 3), numbers(2, 3, seed=1)
    same(run("concat", values=[a, b], axis=axis), np.concatenate([a, b], axis))
    same(run("stack", values=[a, b], axis=axis), np.stack([a, b], axis))


def test_concat_interleaves() -> None:
    a, b = np.array([[1, 2], [3, 4], [5, 6]], np.int32), np.array([[7, 8], [9, 10], [11, 12]], np.int32)
    expected = [[1, 2], [7, 8], [3, 4], [9, 10], [5, 6], [11, 12]]  # from coremltools' documentation
    same(run("concat", values=[a, b], axis=0, interleave=True), expected)
    same(run("concat", values=[a, b], axis=-2, interleave=True), expected)


def test_concat_of_scalars() -> None:
    assert run("concat", values=[np.array(1, np.int32), np.array(2, np.int32)], axis=0).tolist() == [1, 2]


def test_split() -> None:
    x = numbers(6, 4)
    same(run("split", x=x, num_splits=3, axis=0), tuple(np.split(x, 3, 0)))
    same(run("split", x=x, split_sizes=[1, 3], axis=-1), (x[:, :1], x[:, 1:]))
    with pytest.raises(ValueError, match="5 equal parts"):
        run("split", x=x, num_splits=5, axis=0)
    with pytest.raises(ValueError, match="num_splits or split_sizes"):
        run("split", x=x, axis=0)


def test_tile() -> None:
    x = numbers(2, 3)
    same(run("tile", x=x, reps=[3, 2]), inferred("tile", x=x, reps=[3, 2]))


@pytest.mark.parametrize("value", [np.float32(1.5), np.int32(3), np.bool_(True)])
def test_fill(value: Any) -> None:
    result = run("fill", shape=[2, 3], value=value)
    assert result.dtype == value.dtype
    same(result, np.full((2, 3), value))
    same(run("fill_like", ref_tensor=numbers(4, 1), value=value), np.full((4, 1), value))


@pytest.mark.parametrize(
    ("start", "end", "step"),
    [(0, 5, 1), (1, 10, 3), (5, -5, -2), (np.float32(0), np.float32(1), np.float32(0.3))],
)
def test_range_1d(start: Any, end: Any, step: Any) -> None:
    given = {"start": start, "end": end, "step": step}
    arguments: dict[str, Any] = {
        key: np.int32(value) if isinstance(value, int) else value for key, value in given.items()
    }
    result = run("range_1d", **arguments)
    assert result.dtype == np.asarray(arguments["start"]).dtype
    same(result, inferred("range_1d", **arguments))


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate"])
@pytest.mark.parametrize("pad", [[1, 2], [0, 0, 2, 1], [1, 0, 0, 2, 3, 3]])
def test_pad(mode: str, pad: list[int]) -> None:
    x = numbers(3, 4, 5)
    arguments: dict[str, Any] = {"pad": np.array(pad, np.int32), "mode": mode}
    if mode == "constant":
        arguments["constant_val"] = 1.5
    same(run("pad", x=x, **arguments), inferred("pad", x=x, **arguments))


def test_pad_replicates_further_than_the_dimension_is_long() -> None:
    same(run("pad", x=np.array([1.0, 2.0], np.float32), pad=[3, 3], mode="replicate"), [1, 1, 1, 1, 2, 2, 2, 2])


def test_pad_refuses_to_reflect_more_than_there_is() -> None:
    with pytest.raises(ValueError, match="reflecting 3 elements of a dimension of 3"):
        run("pad", x=numbers(3), pad=[3, 0], mode="reflect")


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("axis", [0, 1])
def test_cumsum(exclusive: bool, reverse: bool, axis: int) -> None:
    x = np.arange(12, dtype=np.int32).reshape(3, 4)
    data = np.flip(x, axis) if reverse else x
    sums = np.cumsum(data, axis) - (data if exclusive else 0)
    result = run("cumsum", x=x, axis=axis, exclusive=exclusive, reverse=reverse)
    assert result.dtype == np.int32
    same(result, np.flip(sums, axis) if reverse else sums)


@pytest.mark.parametrize(("lower", "upper"), [(0, -1), (-1, 0), (0, 0), (1, 2), (-1, -1)])
def test_band_part(lower: int, upper: int) -> None:
    x = numbers(2, 4, 5)
    same(run("band_part", x=x, lower=lower, upper=upper), inferred("band_part", x=x, lower=lower, upper=upper))


def test_band_part_keeps_infinities_outside_the_band_out() -> None:
    x = np.array([[1.0, np.inf], [np.nan, 1.0]], np.float32)
    same(run("band_part", x=x, lower=0, upper=0), np.eye(2))


def test_non_zero() -> None:
    x = np.array([[0, 3, 0], [1, 0, 2]], np.int32)
    same(run("non_zero", x=x), inferred("non_zero", x=x))


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2])
def test_one_hot(axis: int) -> None:
    indices = np.array([[0, 2], [1, 3]], np.int32)
    expected = np.moveaxis(np.where(indices[..., None] == np.arange(3), 5.0, -1.0), -1, axis)
    actual = run(
        "one_hot",
        indices=indices,
        one_hot_vector_size=3,
        axis=axis,
        on_value=np.float32(5),
        off_value=np.float32(-1),
    )
    same(actual, expected)


@pytest.mark.parametrize("ascending", [False, True])
@pytest.mark.parametrize("axis", [0, -1])
def test_argsort_and_topk(ascending: bool, axis: int) -> None:
    x = numbers(4, 5)
    same(run("argsort", x=x, axis=axis, ascending=ascending), inferred("argsort", x=x, axis=axis, ascending=ascending))
    values, indices = run("topk", x=x, k=3, axis=axis, ascending=ascending)
    order = np.argsort(x if ascending else -x, axis).take(range(3), axis)
    same(indices, order)
    same(values, np.take_along_axis(x, order, axis))


def test_topk_of_all_without_indices() -> None:
    x = np.array([3.0, 1.0, 2.0], np.float32)
    same(run("topk", x=x, k=-1, return_indices=False), [3, 2, 1])
    with pytest.raises(ValueError, match="top 4 of 3"):
        run("topk", x=x, k=4)


def test_equal_elements_keep_their_order() -> None:
    x = np.array([1.0, 2.0, 1.0, 2.0], np.float32)
    assert run("argsort", x=x).tolist() == [1, 3, 0, 2]
    assert run("argsort", x=x, ascending=True).tolist() == [0, 2, 1, 3]
