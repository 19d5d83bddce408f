"""How many elements to pad around spatial dimensions: shared by convolutions and pooling.

Source: coremltools' `aggregated_pad`; `same` puts an odd element after, `same_lower` before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from sdqa.mil.arguments import Argument, as_ints, as_str


@dataclass(frozen=True)
class Window:
    """Kernel size, stride and dilation per spatial dimension."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]

    @classmethod
    def of(cls, kernel: Sequence[int], strides: Argument, dilations: Argument) -> Window:
        """Fill in MIL's default of ones; every list must have one entry per spatial dimension."""
        rank = len(kernel)
        window = cls(
            tuple(kernel),
            tuple(as_ints(strides)) if strides is not None else (1,) * rank,
            tuple(as_ints(dilations)) if dilations is not None else (1,) * rank,
        )
        if len(window.strides) != rank or len(window.dilations) != rank:
            raise ValueError(f"{rank} spatial dimensions, but strides {window.strides}, dilations {window.dilations}")
        return window

    @property
    def extent(self) -> tuple[int, ...]:
        """Elements that a dilated kernel spans."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilations, strict=True))


def paddings(pad_type: Argument, pad: Argument, window: Window, spatial: Sequence[int]) -> list[tuple[int, int]]:
    """(before, after) for every spatial dimension.

    Args:
        pad_type: valid, same, same_lower or custom.
        pad: [before_0, after_0, before_1, …], only used by custom.
        window: kernel, strides and dilations.
        spatial: the input's spatial sizes.
    """
    kind = as_str(pad_type)
    rank = len(spatial)
    if kind == "valid":
        return [(0, 0)] * rank
    if kind == "custom":
        flat = as_ints(pad) if pad is not None else [0] * (2 * rank)
        if len(flat) != 2 * rank:
            raise ValueError(f"custom padding of {rank} dimensions takes {2 * rank} numbers, got {flat}")
        return list(zip(flat[::2], flat[1::2], strict=True))
    if kind not in ("same", "same_lower"):
        raise ValueError(f"unknown pad_type {kind!r}")
    result = []
    for size, stride, extent in zip(spatial, window.strides, window.extent, strict=True):
        total = max((-(-size // stride) - 1) * stride + extent - size, 0)
        small, large = total // 2, total - total // 2
        result.append((small, large) if kind == "same" else (large, small))
    return result


def padded(x: torch.Tensor, pads: Sequence[tuple[int, int]], value: float = 0.0) -> torch.Tensor:
    """x with constants around its last len(pads) dimensions; x itself when there is nothing to add."""
    flat = [number for pair in reversed(pads) for number in pair]
    return F.pad(x, flat, value=value) if any(flat) else x
