"""Reductions against coremltools' value inference."""

from __future__ import annotations

import numpy as np
import pytest

from .oracle import inferred, numbers, run, same

NAMES = (
    "reduce_l1_norm",
    "reduce_l2_norm",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_sum",
    "reduce_sum_square",
)


@pytest.mark.parametrize("name", [*NAMES, "reduce_log_sum", "reduce_log_sum_exp"])
@pytest.mark.parametrize("axes", [[1], [0, -1], [-1, 0, 1]])
@pytest.mark.parametrize("keep_dims", [False, True])
def test_floats(name: str, axes: list[int], keep_dims: bool) -> None:
    x = numbers(2, 3, 4, low=0.1, high=3)
    actual = run(name, x=x, axes=axes, keep_dims=keep_dims)
    if name == "reduce_log_sum_exp":  # coremltools squeezes with a list, which numpy refuses
        expected = np.log(np.exp(x.astype(np.float64)).sum(tuple(axes), keepdims=keep_dims))
    else:
        expected = inferred(name, x=x, axes=axes, keep_dims=keep_dims)
    same(actual, expected)


@pytest.mark.parametrize("name", NAMES)
def test_all_axes_by_default(name: str) -> None:
    x = numbers(2, 3, low=0.1, high=3)
    same(run(name, x=x), inferred(name, x=x))


@pytest.mark.parametrize("name", NAMES)
def test_integers_are_cut_towards_zero(name: str) -> None:
    x = np.array([[-7, 2, 3], [4, -1, -3]], np.int32)
    result = run(name, x=x, axes=[1])
    assert result.dtype == np.int32
    same(result, inferred(name, x=x, axes=[1]))


def test_log_sum_exp_neither_overflows_nor_underflows() -> None:
    same(run("reduce_log_sum_exp", x=np.array([1000.0, 1000.0], np.float32)), 1000 + np.log(2.0))
    same(run("reduce_log_sum_exp", x=np.array([-1000.0, -1000.0], np.float32)), -1000 + np.log(2.0))


@pytest.mark.parametrize("name", ["reduce_argmax", "reduce_argmin"])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("keep_dims", [False, True])
def test_arguments_of_the_extremes(name: str, axis: int, keep_dims: bool) -> None:
    x = numbers(3, 4, 5)
    same(run(name, x=x, axis=axis, keep_dims=keep_dims), inferred(name, x=x, axis=axis, keep_dims=keep_dims))


@pytest.mark.parametrize(("name", "place"), [("reduce_argmax", 1), ("reduce_argmin", 0)])
def test_the_first_of_equal_extremes_is_taken(name: str, place: int) -> None:
    assert run(name, x=np.array([1.0, 2.0, 2.0, 1.0], np.float32)) == place


def test_a_scalar_is_its_own_sum() -> None:
    assert run("reduce_sum", x=np.array(3.0, np.float32)) == 3.0
