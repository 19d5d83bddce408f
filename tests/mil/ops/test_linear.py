"""Matrix products and attention against numpy and coremltools' value inference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .oracle import inferred, numbers, run, same


def test_linear() -> None:
    x, w, b = numbers(2, 3, 4), numbers(5, 4, seed=1), numbers(5, seed=2)
    same(run("linear", x=x, weight=w, bias=b), inferred("linear", x=x, weight=w, bias=b))
    same(run("linear", x=x, weight=w), x @ w.T)


def test_linear_of_integers() -> None:
    x, w, b = (
        np.arange(6, dtype=np.int32).reshape(2, 3),
        np.arange(12, dtype=np.int32).reshape(4, 3),
        np.arange(4, dtype=np.int32),
    )
    same(run("linear", x=x, weight=w, bias=b), x @ w.T + b)


@pytest.mark.parametrize(
    ("x", "y"),
    [((3, 4), (4, 5)), ((2, 1, 3, 4), (3, 4, 5)), ((4,), (2, 4, 5)), ((2, 3, 4), (4,)), ((4,), (4,))],
)
def test_matmul_ranks(x: tuple[int, ...], y: tuple[int, ...]) -> None:
    a, b = numbers(*x), numbers(*y, seed=1)
    same(run("matmul", x=a, y=b), np.matmul(a, b))


def test_matmul_transposes() -> None:
    x, y = numbers(2, 4, 3), numbers(2, 5, 4, seed=1)
    arguments: dict[str, Any] = {"x": x, "y": y, "transpose_x": True, "transpose_y": True}
    same(run("matmul", **arguments), inferred("matmul", **arguments))


def test_matmul_of_integers_is_exact() -> None:
    x = np.array([[2**20, 1]], np.int32)
    same(run("matmul", x=x, y=np.array([[2**10], [3]], np.int32)), [[2**30 + 3]])


@pytest.mark.parametrize(
    ("equation", "x", "y"),
    [
        ("nchw,nwhu->nchu", (2, 3, 4, 5), (2, 5, 4, 6)),
        ("nchw,nwhu->nchu", (2, 3, 1, 5), (1, 5, 4, 6)),
        ("chw,whr->chr", (3, 4, 5), (5, 4, 6)),
    ],
)
def test_einsum(equation: str, x: tuple[int, ...], y: tuple[int, ...]) -> None:
    a, b = numbers(*x), numbers(*y, seed=1)
    arguments: dict[str, Any] = {"values": [a, b], "equation": equation}
    from sdqa import compat

    compat.prepare_coremltools()
    import coremltools as ct
    from coremltools.converters.mil.mil import Builder, Function

    with Function({}, opset_version=ct.target.iOS17):
        constants = [Builder.const(val=value) for value in (a, b)]
        expected = Builder.einsum(values=constants, equation=equation).val
    same(run("einsum", **arguments), expected)


MASKS: dict[str, Any] = {
    "none": None,
    "floats": numbers(2, 1, 4, 6, seed=9),
    "bools": np.random.default_rng(3).random((4, 6)) > 0.3,
}


@pytest.mark.parametrize("mask", sorted(MASKS))
def test_scaled_dot_product_attention(mask: str) -> None:
    arguments: dict[str, Any] = {
        "query": numbers(2, 3, 4, 8),
        "key": numbers(2, 3, 6, 8, seed=1),
        "value": numbers(2, 3, 6, 5, seed=2),
    }
    if MASKS[mask] is not None:
        arguments["attn_mask"] = MASKS[mask]
    actual = run("scaled_dot_product_attention", **arguments)
    same(actual, inferred("scaled_dot_product_attention", "iOS18", **arguments), rtol=1e-4)
