"""Elementwise operations and activations against coremltools' value inference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from .oracle import inferred, numbers, run, same

X = numbers(2, 3, 4, low=-3, high=3)
INSIDE = numbers(2, 3, 4, low=-0.95, high=0.95)
POSITIVE = numbers(2, 3, 4, low=0.1, high=4)
WHOLE = np.arange(-6, 6, dtype=np.int32).reshape(3, 4)


@pytest.mark.parametrize(
    ("name", "x"),
    [
        *((name, X) for name in ("abs", "atan", "ceil", "cos", "cosh", "erf", "exp", "exp2", "floor", "relu", "relu6")),
        *((name, X) for name in ("round", "sigmoid", "sign", "sin", "sinh", "softplus", "softsign", "square", "tanh")),
        *((name, INSIDE) for name in ("acos", "asin", "atanh", "tan")),
        ("sqrt", POSITIVE),
        *((name, WHOLE) for name in ("abs", "sign", "square")),
        ("logical_not", np.array([True, False])),
    ],
)
def test_functions_of_one_tensor(name: str, x: np.ndarray[Any, Any]) -> None:
    same(run(name, x=x), inferred(name, x=x))


@pytest.mark.parametrize(
    ("name", "x", "arguments"),
    [
        ("log", POSITIVE, {}),
        ("log", POSITIVE, {"epsilon": 0.5}),
        ("rsqrt", POSITIVE, {}),
        ("rsqrt", POSITIVE, {"epsilon": 0.5}),
        ("inverse", POSITIVE, {}),
        ("inverse", POSITIVE, {"epsilon": 0.5}),
        ("clip", X, {"alpha": -0.5, "beta": 1.25}),
        ("threshold", X, {"alpha": 0.25}),
        ("clamped_relu", X, {"alpha": 0.5, "beta": 1.5}),
        ("clamped_relu", X, {"alpha": -0.5, "beta": 1.5}),
        ("elu", X, {"alpha": 0.7}),
        ("leaky_relu", X, {"alpha": 0.2}),
        ("linear_activation", X, {"alpha": 2.5, "beta": -1.0}),
        ("scaled_tanh", X, {"alpha": 1.7, "beta": 0.6}),
        ("sigmoid_hard", X, {"alpha": 0.3, "beta": 0.4}),
        ("thresholded_relu", X, {"alpha": 0.5}),
        ("softmax", X, {}),
        ("softmax", X, {"axis": 1}),
        ("gelu", X, {"mode": "EXACT"}),
        ("gelu", X, {"mode": "TANH_APPROXIMATION"}),
        ("gelu", X, {"mode": "SIGMOID_APPROXIMATION"}),
        ("prelu", numbers(2, 3, 4, 5), {"alpha": np.array([0.1, -0.5, 2.0], np.float32)}),
        (
            "softplus_parametric",
            numbers(2, 3, 4, 5),
            {"alpha": np.array([1.0, 0.5, 2.0], np.float32), "beta": np.array([0.5, 1.5, 3.0], np.float32)},
        ),
    ],
)
def test_functions_with_parameters(name: str, x: np.ndarray[Any, Any], arguments: dict[str, Any]) -> None:
    same(run(name, x=x, **arguments), inferred(name, x=x, **arguments))


def test_silu_is_x_times_sigmoid() -> None:
    same(run("silu", x=X), X / (1 + np.exp(-X)))


def test_gelu_refuses_an_unknown_mode() -> None:
    with pytest.raises(ValueError, match="no mode 'FAST'"):
        run("gelu", x=X, mode="FAST")


def test_softplus_neither_overflows_nor_loses_small_values() -> None:
    x = np.array([-80.0, -20.0, 0.0, 20.0, 60.0, 1000.0], np.float32)
    same(run("softplus", x=x), np.logaddexp(x.astype(np.float64), 0), rtol=1e-6, atol=0)


def test_nan_is_not_hidden() -> None:
    x = np.array([np.nan, 1.0], np.float32)
    for name in ("sign", "relu", "relu6", "round", "square"):
        assert np.isnan(run(name, x=x)[0]), name
    assert np.isnan(run("clip", x=x, alpha=0.0, beta=1.0)[0])
    assert np.isnan(run("thresholded_relu", x=x, alpha=0.0)[0])


def test_round_takes_halves_to_even() -> None:
    assert run("round", x=np.array([0.5, 1.5, 2.5, -0.5], np.float32)).tolist() == [0.0, 2.0, 2.0, -0.0]


@pytest.mark.parametrize("name", ["add", "sub", "mul", "real_div", "maximum", "minimum", "floor_div", "mod"])
def test_arithmetic_broadcasts(name: str) -> None:
    x, y = numbers(2, 3, 4, low=-3, high=3), numbers(3, 1, low=0.5, high=2, seed=1)
    same(run(name, x=x, y=y), inferred(name, x=x, y=y))


@pytest.mark.parametrize("name", ["add", "sub", "mul", "maximum", "minimum", "floor_div", "mod"])
def test_integer_arithmetic(name: str) -> None:
    x, y = np.array([-7, -7, 7, 7, 6, 0], np.int32), np.array([2, -2, 2, -2, 3, 5], np.int32)
    same(run(name, x=x, y=y), inferred(name, x=x, y=y))


def test_power() -> None:
    x, y = POSITIVE, numbers(2, 3, 4, seed=2)
    same(run("pow", x=x, y=y), inferred("pow", x=x, y=y))
    assert run("pow", x=np.array([2, 3], np.int32), y=np.array([3, 2], np.int32)).tolist() == [8, 9]


@pytest.mark.parametrize("name", ["equal", "not_equal", "greater", "greater_equal", "less", "less_equal"])
def test_comparisons(name: str) -> None:
    x, y = np.array([1.0, 2.0, 3.0], np.float32), np.array([[2.0], [3.0]], np.float32)
    result = run(name, x=x, y=y)
    assert result.dtype == np.bool_
    same(result, inferred(name, x=x, y=y))


@pytest.mark.parametrize("name", ["logical_and", "logical_or", "logical_xor"])
def test_logic(name: str) -> None:
    x, y = np.array([True, True, False, False]), np.array([True, False, True, False])
    same(run(name, x=x, y=y), inferred(name, x=x, y=y))


def test_operands_of_different_dtypes_are_promoted() -> None:
    result = run("mul", x=np.array([1, 2], np.float16), y=np.array([0.1, 0.2], np.float32))
    assert result.dtype == np.float32


def test_select_broadcasts_and_keeps_values() -> None:
    cond, a, b = np.array([[True], [False]]), numbers(2, 3), np.float32(7)
    same(run("select", cond=cond, a=a, b=b), np.where(cond, a, b))


@pytest.mark.parametrize("dtype", ["int32", "int8", "uint8", "int16", "uint16", "bool", "fp32"])
def test_cast_of_floats_cuts_towards_zero(dtype: str) -> None:
    x = np.array([0.0, 0.9, 1.5, 2.5, 100.7], np.float32)
    same(run("cast", x=x, dtype=dtype), inferred("cast", x=x, dtype=dtype))


def test_cast_of_negative_floats() -> None:
    x = np.array([-1.9, -0.5], np.float32)
    same(run("cast", x=x, dtype="int32"), inferred("cast", x=x, dtype="int32"))
    assert run("cast", x=x, dtype="bool").tolist() == [True, True]


def test_cast_to_uint16_is_carried_as_int32() -> None:
    result = run("cast", x=np.array([65535, 65536], np.int32), dtype="uint16")
    assert result.dtype == np.int32
    assert result.tolist() == [65535, 0]


def test_cast_refuses_an_unknown_dtype() -> None:
    with pytest.raises(ValueError, match="complex64"):
        run("cast", x=X, dtype="complex64")


@pytest.mark.parametrize("name", ["relu", "sigmoid", "silu", "softplus", "softmax", "gelu", "rsqrt", "log"])
def test_half_precision_tensors_stay_half_precision(name: str) -> None:
    x = torch.from_numpy(POSITIVE.astype(np.float16))
    from sdqa.mil.registry import operation

    found = operation(name)
    assert found is not None
    result = found.run(x=x)
    assert isinstance(result, torch.Tensor)
    assert result.dtype == torch.float16


def test_small_constants_need_not_be_tensors() -> None:
    from sdqa.mil.registry import operation

    for name, arguments in (("cast", {"dtype": "fp32"}), ("abs", {}), ("reduce_sum", {}), ("reduce_max", {})):
        found = operation(name)
        assert found is not None
        result = found.run(x=np.array([3], np.int32), **arguments)
        assert isinstance(result, torch.Tensor)
        assert result.item() == 3
