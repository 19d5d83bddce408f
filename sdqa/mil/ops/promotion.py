"""One dtype for operands that arrive in several (iOS17 lets weights and data differ)."""

from __future__ import annotations

import torch


def promote(*tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The tensors in the smallest dtype that holds them all; those that have it already are returned as they are."""
    dtype = tensors[0].dtype
    for tensor in tensors[1:]:
        if tensor.dtype != dtype:
            dtype = torch.promote_types(dtype, tensor.dtype)
    return tuple(tensor if tensor.dtype == dtype else tensor.to(dtype) for tensor in tensors)


def widened(x: torch.Tensor) -> torch.Tensor:
    """Floating-point tensors as they are; integers as float64, which holds every int32 exactly."""
    return x if x.dtype.is_floating_point else x.double()


def quotient(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The quotient of integers, cut towards zero.

    Computed in int64 and refused where that overflows too: the smallest integer by -1 traps in the processor, and takes
    the interpreter with it.
    """
    wide, divisor = x.long(), y.long()
    if bool((wide == torch.iinfo(torch.int64).min).any()) and bool((divisor == -1).any()):
        raise OverflowError("the smallest int64 divided by -1")
    return torch.div(wide, divisor, rounding_mode="trunc").to(x.dtype)
