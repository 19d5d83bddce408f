"""Pooling over 1, 2 or 3 spatial dimensions. Source: coremltools' definition iOS15 `pool`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from sdqa.mil.arguments import Argument, as_bool, as_ints
from sdqa.mil.ops.padding import Window, padded, paddings
from sdqa.mil.registry import op

_MAX: tuple[Any, ...] = (F.max_pool1d, F.max_pool2d, F.max_pool3d)
_AVERAGE: tuple[Any, ...] = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)


def _excess(spatial: Sequence[int], pads: Sequence[tuple[int, int]], window: Window) -> list[int]:
    """Elements by which the last window of ceil mode reaches beyond the padded input.

    The output has ceil((padded - kernel) / stride) + 1 places, without the last one if it would begin in the padding
    after the input; without any padding it stays, as in coremltools' type inference (torch drops it there too).
    """
    result = []
    for size, (before, after), kernel, stride in zip(spatial, pads, window.kernel, window.strides, strict=True):
        length = size + before + after
        count = -(-(length - kernel) // stride) + 1
        if before + after and (count - 1) * stride >= size + (before + after) / 2:
            count -= 1
        result.append(max((count - 1) * stride + kernel - length, 0))
    return result


def _prepare(
    x: torch.Tensor, kernel_sizes: Argument, strides: Argument, pad_type: Argument, pad: Argument, ceil_mode: Argument
) -> tuple[Window, list[tuple[int, int]], list[tuple[int, int]]]:
    """The window, MIL's padding, and that padding with what ceil mode needs behind it."""
    window = Window.of(as_ints(kernel_sizes), strides, None)
    spatial = x.shape[2:]
    if not 1 <= len(spatial) <= 3 or len(window.kernel) != len(spatial):
        raise ValueError(f"pooling with kernel {list(window.kernel)} of an input of shape {list(x.shape)}")
    pads = paddings(pad_type, pad, window, spatial)
    if not as_bool(ceil_mode):
        return window, pads, pads
    extra = _excess(spatial, pads, window)
    return window, pads, [(before, after + more) for (before, after), more in zip(pads, extra, strict=True)]


@op("max_pool", movement=True)
def max_pool(
    x: torch.Tensor,
    kernel_sizes: Argument,
    strides: Argument = None,
    pad_type: Argument = "valid",
    pad: Argument = None,
    ceil_mode: Argument = False,
) -> torch.Tensor:
    """The largest element of every window; padding never wins."""
    window, _, outer = _prepare(x, kernel_sizes, strides, pad_type, pad, ceil_mode)
    result: torch.Tensor = _MAX[len(outer) - 1](padded(x, outer, float("-inf")), window.kernel, window.strides)
    return result


@op("avg_pool")
def avg_pool(
    x: torch.Tensor,
    kernel_sizes: Argument,
    strides: Argument = None,
    pad_type: Argument = "valid",
    pad: Argument = None,
    exclude_padding_from_average: Argument = False,
    ceil_mode: Argument = False,
) -> torch.Tensor:
    """The mean of every window: of its elements inside the padded input, or inside the input if padding is excluded."""
    window, pads, outer = _prepare(x, kernel_sizes, strides, pad_type, pad, ceil_mode)
    run = _AVERAGE[len(outer) - 1]
    means: torch.Tensor = run(padded(x, outer), window.kernel, window.strides)
    exclude = as_bool(exclude_padding_from_average)
    if outer == pads and not (exclude and any(map(any, pads))):
        return means
    inside = torch.ones(1, 1, *x.shape[2:], dtype=x.dtype)
    if not exclude:
        inside = padded(inside, pads, 1.0)
        outer = [(0, total[1] - own[1]) for total, own in zip(outer, pads, strict=True)]
    share: torch.Tensor = run(padded(inside, outer), window.kernel, window.strides)
    return means / share


@op("l2_pool")
def l2_pool(
    x: torch.Tensor,
    kernel_sizes: Argument,
    strides: Argument = None,
    pad_type: Argument = "valid",
    pad: Argument = None,
    ceil_mode: Argument = False,
) -> torch.Tensor:
    """sqrt(Σ x²) of every window."""
    window, _, outer = _prepare(x, kernel_sizes, strides, pad_type, pad, ceil_mode)
    means: torch.Tensor = _AVERAGE[len(outer) - 1](padded(x.square(), outer), window.kernel, window.strides)
    return torch.sqrt(means * math.prod(window.kernel))
