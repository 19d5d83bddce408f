"""Quantisation of activations. Source: coremltools' definition iOS17 `quantization_ops`."""

from __future__ import annotations

import torch

from sdqa.mil.arguments import Argument, as_int, as_str, as_tensor
from sdqa.mil.registry import op

_RANGES = {
    "int8": (torch.int8, -128, 127),
    "uint8": (torch.uint8, 0, 255),
}


@op("quantize")
def quantize(
    input: Argument,
    scale: Argument,
    output_dtype: Argument,
    zero_point: Argument = None,
    axis: Argument = None,
) -> torch.Tensor:
    """clip(round(input / scale) + zero_point), halves to even; scale and zero_point are scalars or lie along `axis`."""
    name = as_str(output_dtype)
    if name not in _RANGES:
        raise ValueError(f"quantize to {name!r}: expected one of {', '.join(_RANGES)}")
    dtype, low, high = _RANGES[name]
    data = as_tensor(input)
    numbers = torch.round(data / _along(scale, data, axis))
    if zero_point is not None:
        numbers = numbers + _along(zero_point, data, axis).to(numbers.dtype)
    return numbers.clamp(low, high).to(dtype)


@op("dequantize")
def dequantize(input: Argument, scale: Argument, zero_point: Argument = None, axis: Argument = None) -> torch.Tensor:
    """scale · (input - zero_point)."""
    data, factor = as_tensor(input), as_tensor(scale)
    numbers = data.to(factor.dtype)
    if zero_point is not None:
        numbers = numbers - _along(zero_point, data, axis).to(factor.dtype)
    return numbers * _along(factor, data, axis)


def _along(value: Argument, data: torch.Tensor, axis: Argument) -> torch.Tensor:
    parameter = as_tensor(value)
    if parameter.dim() == 0 or axis is None:
        return parameter
    at = as_int(axis) % data.dim()
    return parameter.reshape([-1 if i == at else 1 for i in range(data.dim())])
