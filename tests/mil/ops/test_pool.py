"""Pooling against a walk over the windows."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from .oracle import numbers, run, same

Pads = list[tuple[int, int]]


def windows(x: np.ndarray[Any, Any], kernel: list[int], strides: list[int], pads: Pads, *, ceil: bool = False) -> Any:
    """For every output place the elements of its window, and how many of them lie in the padded input."""
    sizes = []
    for size, k, stride, (before, after) in zip(x.shape[2:], kernel, strides, pads, strict=True):
        steps = (size + before + after - k) / stride
        count = (math.ceil(steps) if ceil else math.floor(steps)) + 1
        if ceil and before + after and (count - 1) * stride >= size + before:
            count -= 1
        sizes.append(count)
    for place in itertools.product(*map(range, sizes)):
        area, cells = 1, []
        for axis, (p, k, stride, (before, after)) in enumerate(zip(place, kernel, strides, pads, strict=True)):
            first = p * stride - before
            inside = [i for i in range(first, first + k) if i < x.shape[2 + axis] + after]
            area *= len(inside)
            cells.append([i for i in inside if 0 <= i < x.shape[2 + axis]])
        chosen: Any = (slice(None), slice(None), *np.ix_(*cells))
        yield sizes, place, x[chosen].reshape(*x.shape[:2], -1), area


def expected(
    kind: str, x: np.ndarray[Any, Any], kernel: list[int], strides: list[int], pads: Pads, **options: bool
) -> Any:
    exclude = options.pop("exclude", False)
    out = None
    for sizes, place, cells, area in windows(x.astype(np.float64), kernel, strides, pads, **options):
        out = np.zeros((*x.shape[:2], *sizes)) if out is None else out
        if kind == "avg_pool":
            values = cells.sum(-1) / (cells.shape[-1] if exclude else area)
        else:
            values = cells.max(-1) if kind == "max_pool" else np.sqrt((cells**2).sum(-1))
        out[(slice(None), slice(None), *place)] = values
    return out


@pytest.mark.parametrize("kind", ["max_pool", "avg_pool", "l2_pool"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_valid(kind: str, rank: int) -> None:
    x = numbers(2, 3, *[7, 6, 5][:rank])
    kernel, strides = [3, 2, 2][:rank], [2, 1, 3][:rank]
    actual = run(kind, x=x, kernel_sizes=kernel, strides=strides, pad_type="valid")
    same(actual, expected(kind, x, kernel, strides, [(0, 0)] * rank), rtol=1e-4)


@pytest.mark.parametrize("kind", ["max_pool", "avg_pool", "l2_pool"])
def test_asymmetric_padding(kind: str) -> None:
    x, pads = numbers(1, 2, 6, 5, low=-3, high=-1), [(1, 0), (2, 1)]
    actual = run(kind, x=x, kernel_sizes=[3, 3], strides=[2, 1], pad_type="custom", pad=[1, 0, 2, 1])
    same(actual, expected(kind, x, [3, 3], [2, 1], pads), rtol=1e-4)


@pytest.mark.parametrize(("pad_type", "pads"), [("same", [(0, 1), (1, 1)]), ("same_lower", [(1, 0), (1, 1)])])
@pytest.mark.parametrize("exclude", [False, True])
def test_same_and_excluded_padding(pad_type: str, pads: Pads, exclude: bool) -> None:
    x = numbers(1, 2, 6, 5)
    actual = run(
        "avg_pool", x=x, kernel_sizes=[2, 3], strides=[1, 1], pad_type=pad_type, exclude_padding_from_average=exclude
    )
    same(actual, expected("avg_pool", x, [2, 3], [1, 1], pads, exclude=exclude), rtol=1e-4)


@pytest.mark.parametrize("kind", ["max_pool", "avg_pool", "l2_pool"])
@pytest.mark.parametrize("pad", [0, 1])
@pytest.mark.parametrize("exclude", [False, True])
def test_ceil_mode(kind: str, pad: int, exclude: bool) -> None:
    x, pads = numbers(1, 2, 7, 8), [(pad, pad), (pad, pad)]
    options = {"exclude_padding_from_average": exclude} if kind == "avg_pool" else {}
    actual = run(
        kind, x=x, kernel_sizes=[3, 3], strides=[2, 3], pad_type="custom", pad=[pad] * 4, ceil_mode=True, **options
    )
    same(actual, expected(kind, x, [3, 3], [2, 3], pads, ceil=True, exclude=exclude), rtol=1e-4)


def test_ceil_mode_drops_a_window_that_would_begin_in_the_padding() -> None:
    result = run(
        "max_pool", x=numbers(1, 1, 4), kernel_sizes=[2], strides=[3], pad_type="custom", pad=[1, 1], ceil_mode=True
    )
    assert result.shape == (1, 1, 2)


def test_max_pool_of_negative_numbers_ignores_padding() -> None:
    x = -np.ones((1, 1, 3), np.float32)
    assert run("max_pool", x=x, kernel_sizes=[3], pad_type="same").tolist() == [[[-1.0, -1.0, -1.0]]]


def test_a_kernel_of_another_rank_is_refused() -> None:
    with pytest.raises(ValueError, match="pooling with kernel"):
        run("max_pool", x=numbers(1, 1, 3, 3), kernel_sizes=[2], pad_type="valid")
