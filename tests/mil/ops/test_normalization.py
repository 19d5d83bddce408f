"""Normalisations against formulas in float64 and coremltools' value inference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .oracle import inferred, numbers, run, same

GAMMA, BETA = numbers(3, low=0.5, high=1.5, seed=5), numbers(3, seed=6)


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 5), (1, 3, 2, 3, 4)])
def test_batch_norm(shape: tuple[int, ...]) -> None:
    x, mean, variance = numbers(*shape), numbers(3, seed=1), numbers(3, low=0.5, high=2, seed=2)
    column = [1, 3] + [1] * (len(shape) - 2)
    expected = (x - mean.reshape(column)) / np.sqrt(variance.reshape(column) + 1e-3)
    same(run("batch_norm", x=x, mean=mean, variance=variance, epsilon=1e-3), expected, rtol=1e-4)
    actual = run("batch_norm", x=x, mean=mean, variance=variance, gamma=GAMMA, beta=BETA, epsilon=1e-3)
    same(actual, expected * GAMMA.reshape(column) + BETA.reshape(column), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 5), (1, 3, 1, 1)])
def test_instance_norm(shape: tuple[int, ...]) -> None:
    x = numbers(*shape, low=5, high=9).astype(np.float64)
    axes = tuple(range(2, len(shape)))
    column = [1, 3] + [1] * (len(shape) - 2)
    expected = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)
    expected = expected * GAMMA.reshape(column) + BETA.reshape(column)
    # without spread the result is x's rounding error over sqrt(epsilon): 7 · 2⁻²⁴ · 316
    atol = 2e-4 if shape[2:] == (1, 1) else 1e-5
    same(run("instance_norm", x=x.astype(np.float32), gamma=GAMMA, beta=BETA), expected, rtol=1e-4, atol=atol)


@pytest.mark.parametrize("axes", [[-1], [1, 2], [0], [0, 2], [2, 0], [0, 1, 2]])
def test_layer_norm(axes: list[int]) -> None:
    x = numbers(4, 3, 5)
    shape = [x.shape[axis] for axis in sorted(axis % 3 for axis in axes)]
    scales: dict[str, Any] = {"gamma": numbers(*shape, seed=1), "beta": numbers(*shape, seed=2), "epsilon": 1e-3}
    expected = inferred("layer_norm", x=x, axes=axes, **scales)
    same(run("layer_norm", x=x, axes=axes, **scales), expected, rtol=1e-4, atol=1e-5)
    if len(axes) == 3:
        same(run("layer_norm", x=x, **scales), expected, rtol=1e-4, atol=1e-5)


def test_layer_norm_refuses_repeated_axes() -> None:
    with pytest.raises(ValueError, match="repeated axes"):
        run("layer_norm", x=numbers(2, 3), axes=[1, -1])


@pytest.mark.parametrize("shape", [(2, 3, 4), (5, 2, 3, 4), (2, 5, 2, 3, 4)])
def test_l2_norm(shape: tuple[int, ...]) -> None:
    x = numbers(*shape)
    same(run("l2_norm", x=x, epsilon=1e-2), inferred("l2_norm", x=x, epsilon=1e-2))


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_local_response_norm(size: int) -> None:
    x = numbers(2, 6, 4, 3)
    padded = np.pad(x.astype(np.float64) ** 2, [(0, 0), (size // 2, (size - 1) // 2), (0, 0), (0, 0)])
    total = sum(padded[:, shift : shift + 6] for shift in range(size))
    expected = x / (2.0 + 0.5 / size * total) ** 0.6
    same(run("local_response_norm", x=x, size=size, alpha=0.5, beta=0.6, k=2.0), expected)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (2, [[0.99996257, -6.98716545], [4.99531746, -5.99191284], [-2.99898791, -4.99531746]]),
        (3, [[0.99997497, -6.99143696], [4.99687672, -5.99460602], [-2.99932504, -4.99687672]]),
    ],
)
def test_local_response_norm_of_three_dimensions_as_coremltools_expects(size: int, expected: list[Any]) -> None:
    x = np.array([[[1.0, -7.0], [5.0, -6.0], [-3.0, -5.0]]], np.float32)
    same(run("local_response_norm", x=x, size=size), [expected])
