"""Quantisation of activations against the formula and coremltools' value inference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .oracle import inferred, numbers, run, same

VECTORS: dict[str, Any] = {"scale": np.array([0.1, 0.2, 0.05], np.float32), "axis": 1}


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("vector", [False, True])
@pytest.mark.parametrize("shifted", [False, True])
def test_quantize(dtype: str, vector: bool, shifted: bool) -> None:
    x = numbers(2, 3, 4, low=-20, high=20)
    arguments: dict[str, Any] = dict(VECTORS) if vector else {"scale": np.float32(0.1)}
    if shifted:
        arguments["zero_point"] = np.array([1, 2, 3], dtype) if vector else np.array(5, dtype)[()]
    actual = run("quantize", input=x, output_dtype=dtype, **arguments)
    assert actual.dtype == np.dtype(dtype)
    same(actual, inferred("quantize", input=x, output_dtype=dtype, **arguments))


def test_quantize_rounds_halves_to_even_and_clips() -> None:
    x = np.array([0.5, 1.5, -0.5, 300.0, -300.0], np.float32)
    assert run("quantize", input=x, scale=np.float32(1), output_dtype="int8").tolist() == [0, 2, 0, 127, -128]


def test_quantize_refuses_other_dtypes() -> None:
    with pytest.raises(ValueError, match="quantize to 'int16'"):
        run("quantize", input=numbers(2), scale=np.float32(1), output_dtype="int16")


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("vector", [False, True])
@pytest.mark.parametrize("shifted", [False, True])
def test_dequantize(dtype: str, vector: bool, shifted: bool) -> None:
    x = np.arange(24).reshape(2, 3, 4).astype(dtype)
    arguments: dict[str, Any] = dict(VECTORS) if vector else {"scale": np.float32(0.1)}
    offset: Any = 0
    if shifted:
        offset = np.array([1, 2, 3], dtype) if vector else np.array(5, dtype)[()]
        arguments["zero_point"] = offset
    column = (1, 3, 1) if vector else ()
    scale = np.asarray(arguments["scale"])
    expected = (x.astype(np.float32) - np.broadcast_to(offset, scale.shape).reshape(column)) * scale.reshape(column)
    same(run("dequantize", input=x, **arguments), expected)
