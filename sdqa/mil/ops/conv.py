"""Convolutions of 1, 2 or 3 spatial dimensions. Source: coremltools' definitions iOS15 and iOS17 `conv`."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from sdqa.mil.arguments import Argument, as_int, as_ints, as_str, as_tensor
from sdqa.mil.ops.padding import Window, padded, paddings
from sdqa.mil.ops.promotion import promote
from sdqa.mil.registry import op

_CONV: tuple[Any, ...] = (F.conv1d, F.conv2d, F.conv3d)
_CONV_TRANSPOSE: tuple[Any, ...] = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)


@op("conv")
def conv(
    x: Argument,
    weight: Argument,
    bias: Argument = None,
    strides: Argument = None,
    pad_type: Argument = "valid",
    pad: Argument = None,
    dilations: Argument = None,
    groups: Argument = 1,
) -> torch.Tensor:
    """x [n, C_in, *D], weight [C_out, C_in / groups, *K] → [n, C_out, *D_out]."""
    x, weight, bias = _operands(x, weight, bias)
    window = Window.of(weight.shape[2:], strides, dilations)
    pads = paddings(pad_type, pad, window, x.shape[2:])
    symmetric = all(before == after >= 0 for before, after in pads)
    if not symmetric:
        x = padded(x, pads)
    inner = [before for before, _ in pads] if symmetric else 0
    run = _CONV[_spatial_rank(x) - 1]
    result: torch.Tensor = run(x, weight, bias, window.strides, inner, window.dilations, as_int(groups))
    return result


@op("conv_transpose")
def conv_transpose(
    x: Argument,
    weight: Argument,
    bias: Argument = None,
    pad: Argument = None,
    output_shape: Argument = None,
    pad_type: Argument = "valid",
    strides: Argument = None,
    dilations: Argument = None,
    groups: Argument = 1,
) -> torch.Tensor:
    """x [n, C_in, *D], weight [C_in, C_out / groups, *K] → [n, C_out, *D_out].

    The full result, (D - 1)·stride + (K - 1)·dilation + 1 long, is cut at the front by the padding, and then cut or
    extended at the back to the wanted size: `output_shape` if given, D·stride for `same`, full - pads otherwise.
    Positions beyond the full result receive no contribution but the bias.
    """
    x, weight, bias = _operands(x, weight, bias)
    rank = _spatial_rank(x)
    window = Window.of(weight.shape[2:], strides, dilations)
    full = [
        (size - 1) * stride + extent
        for size, stride, extent in zip(x.shape[2:], window.strides, window.extent, strict=True)
    ]
    crops, sizes = _crops(as_str(pad_type), pad, output_shape, window, list(x.shape[2:]), full)
    if any(size <= 0 for size in sizes):
        raise ValueError(f"output of spatial size {sizes}: the padding is larger than the full result {full}")
    run = _CONV_TRANSPOSE[rank - 1]
    # torch's own padding cuts both ends alike, and output_padding (below the stride) gives back what is too much
    excess = [size - (length - 2 * crop) for size, length, crop in zip(sizes, full, crops, strict=True)]
    steps = [max(stride, dilation) for stride, dilation in zip(window.strides, window.dilations, strict=True)]
    if all(0 <= more < step for more, step in zip(excess, steps, strict=True)):
        fitted: torch.Tensor = run(x, weight, bias, window.strides, crops, excess, as_int(groups), window.dilations)
        return fitted
    result: torch.Tensor = run(x, weight, None, window.strides, 0, 0, as_int(groups), window.dilations)
    result = padded(result, [(0, max(0, c + s - f)) for c, s, f in zip(crops, sizes, full, strict=True)])
    for axis, (crop, size) in enumerate(zip(crops, sizes, strict=True), start=2):
        result = result.narrow(axis, crop, size)
    return result if bias is None else result + bias.reshape([-1] + [1] * rank)


def _crops(
    kind: str, pad: Argument, output_shape: Argument, window: Window, spatial: list[int], full: list[int]
) -> tuple[list[int], list[int]]:
    """How much to cut at the front of the full result, and the size to keep, per spatial dimension."""
    wanted = as_ints(output_shape)[2:] if output_shape is not None and len(as_ints(output_shape)) else None
    if wanted is not None and len(wanted) != len(full):
        raise ValueError(f"output_shape of {len(wanted)} spatial dimensions, expected {len(full)}")
    if kind in ("same", "same_lower"):
        sizes = wanted or [size * stride for size, stride in zip(spatial, window.strides, strict=True)]
        totals = [max(length - size, 0) for length, size in zip(full, sizes, strict=True)]
        return [total // 2 if kind == "same" else total - total // 2 for total in totals], sizes
    pads = paddings(kind, pad, window, spatial)
    sizes = wanted or [length - sum(pair) for length, pair in zip(full, pads, strict=True)]
    return [before for before, _ in pads], sizes


@op("conv_quantized")
def conv_quantized(
    x: Argument,
    weight: Argument,
    quantization_type: Argument,
    quant_scale: Argument,
    quant_bias: Argument,
    nbits: Argument = 8,
    bias: Argument = None,
    **options: Argument,
) -> torch.Tensor:
    """`conv` with weights stored as integers: W = W_q · quant_scale + quant_bias, scale and bias along C_out.

    `lut` is refused: the operation has no argument that could carry the table.
    """
    if as_str(quantization_type) != "linear":
        raise ValueError(f"quantization_type {as_str(quantization_type)!r}: only 'linear' can be run")
    if not 1 <= as_int(nbits) <= 8:
        raise ValueError(f"nbits must lie between 1 and 8, got {as_int(nbits)}")
    stored = as_tensor(weight).float()
    column = [-1] + [1] * (stored.dim() - 1)
    unpacked = stored * as_tensor(quant_scale).float().reshape(column) + as_tensor(quant_bias).float().reshape(column)
    return conv(x, unpacked, None if bias is None else as_tensor(bias).float(), **options)


def _operands(x: Argument, weight: Argument, bias: Argument) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    if bias is None:
        x, weight = promote(as_tensor(x), as_tensor(weight))
        return x, weight, None
    x, weight, bias = promote(as_tensor(x), as_tensor(weight), as_tensor(bias))
    return x, weight, bias


def _spatial_rank(x: torch.Tensor) -> int:
    rank = x.dim() - 2
    if not 1 <= rank <= 3:
        raise ValueError(f"convolutions take 1 to 3 spatial dimensions, got an input of shape {tuple(x.shape)}")
    return rank
