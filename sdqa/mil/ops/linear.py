"""Matrix products. Source: coremltools' definitions iOS15 and iOS17 `linear`."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from sdqa.mil.arguments import Argument, as_bool, as_str, as_tensor
from sdqa.mil.ops.promotion import promote
from sdqa.mil.registry import op


@op("linear")
def linear(x: Argument, weight: Argument, bias: Argument = None) -> torch.Tensor:
    """x [*, D_in] · weight [D_out, D_in]ᵀ + bias [D_out] → [*, D_out]."""
    if bias is None:
        x, weight = promote(as_tensor(x), as_tensor(weight))
        return F.linear(x, weight) if x.dtype.is_floating_point else _integer_product(x, weight.T)
    x, weight, bias = promote(as_tensor(x), as_tensor(weight), as_tensor(bias))
    return F.linear(x, weight, bias) if x.dtype.is_floating_point else _integer_product(x, weight.T) + bias


@op("matmul")
def matmul(x: Argument, y: Argument, transpose_x: Argument = False, transpose_y: Argument = False) -> torch.Tensor:
    """x @ y with numpy's rules for ranks and broadcasting; a transpose of a vector has no effect."""
    left, right = promote(as_tensor(x), as_tensor(y))
    if as_bool(transpose_x) and left.dim() > 1:
        left = left.transpose(-1, -2)
    if as_bool(transpose_y) and right.dim() > 1:
        right = right.transpose(-1, -2)
    return torch.matmul(left, right) if left.dtype.is_floating_point else _integer_product(left, right)


@op("einsum")
def einsum(values: list[Argument], equation: Argument) -> torch.Tensor:
    """Einstein summation; dimensions of size 1 broadcast."""
    return torch.einsum(as_str(equation), *promote(*(as_tensor(value) for value in values)))


def _integer_product(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Product of integer matrices, accumulated in int64."""
    return torch.matmul(x.long(), y.long()).to(x.dtype)
