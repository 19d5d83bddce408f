"""Reductions over axes. Source: coremltools' definitions iOS15 and iOS17 `reduction`.

Integers are reduced exactly or in float64, and the result is cut towards zero, as coremltools' own inference does.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from sdqa.mil.arguments import Argument, as_bool, as_int, as_ints
from sdqa.mil.ops.promotion import widened
from sdqa.mil.registry import op

Reduction = Callable[[torch.Tensor, list[int], bool], torch.Tensor]


def _product(x: torch.Tensor, axes: list[int], keep_dims: bool) -> torch.Tensor:
    for axis in sorted((axis % x.dim() for axis in axes), reverse=True):
        x = x.prod(axis, keepdim=keep_dims)
    return x


_REDUCTIONS: dict[str, Reduction] = {
    "reduce_sum": lambda x, axes, keep: x.sum(axes, keepdim=keep),
    "reduce_mean": lambda x, axes, keep: widened(x).mean(axes, keepdim=keep),
    "reduce_prod": _product,
    "reduce_l1_norm": lambda x, axes, keep: x.abs().sum(axes, keepdim=keep),
    "reduce_l2_norm": lambda x, axes, keep: widened(x).square().sum(axes, keepdim=keep).sqrt(),
    "reduce_sum_square": lambda x, axes, keep: x.square().sum(axes, keepdim=keep),
    "reduce_log_sum": lambda x, axes, keep: widened(x).sum(axes, keepdim=keep).log(),
    "reduce_log_sum_exp": lambda x, axes, keep: torch.logsumexp(widened(x), axes, keepdim=keep),
}
_SELECTIONS: dict[str, Reduction] = {
    "reduce_max": lambda x, axes, keep: x.amax(axes, keepdim=keep),
    "reduce_min": lambda x, axes, keep: x.amin(axes, keepdim=keep),
}


def _register(reductions: dict[str, Reduction], *, movement: bool) -> None:
    for name, reduction in reductions.items():

        def run(
            x: torch.Tensor, axes: Argument = None, keep_dims: Argument = False, reduction: Reduction = reduction
        ) -> torch.Tensor:
            if x.dim() == 0:
                return reduction(x.reshape(1), [0], False)
            chosen = as_ints(axes) if axes is not None else []
            result = reduction(x, chosen or list(range(x.dim())), as_bool(keep_dims))
            return result if x.dtype.is_floating_point else result.to(x.dtype)

        run.__name__ = name
        op(name, movement=movement)(run)


_register(_REDUCTIONS, movement=False)
_register(_SELECTIONS, movement=True)


@op("reduce_argmax")
def reduce_argmax(
    x: torch.Tensor, axis: Argument = -1, keep_dims: Argument = False, output_dtype: Argument = "int32"
) -> torch.Tensor:
    """Index of the largest value along one axis; the executor casts to `output_dtype`."""
    del output_dtype
    return torch.argmax(x, as_int(axis), keepdim=as_bool(keep_dims)).to(torch.int32)


@op("reduce_argmin")
def reduce_argmin(
    x: torch.Tensor, axis: Argument = -1, keep_dims: Argument = False, output_dtype: Argument = "int32"
) -> torch.Tensor:
    """Index of the smallest value along one axis; the executor casts to `output_dtype`."""
    del output_dtype
    return torch.argmin(x, as_int(axis), keepdim=as_bool(keep_dims)).to(torch.int32)
