"""Elementwise functions of one tensor. Source: coremltools' definitions iOS15 and iOS17 `elementwise_unary`."""

from __future__ import annotations

from collections.abc import Callable

import torch

from sdqa.mil.arguments import Argument, as_float, as_str
from sdqa.mil.ops.promotion import widened
from sdqa.mil.registry import op

_FUNCTIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "acos": torch.acos,
    "asin": torch.asin,
    "atan": torch.atan,
    "atanh": torch.atanh,
    "cos": torch.cos,
    "cosh": torch.cosh,
    "erf": torch.erf,
    "exp": torch.exp,
    "sin": torch.sin,
    "sinh": torch.sinh,
    "sqrt": torch.sqrt,
    "square": torch.square,
    "tan": torch.tan,
    "tanh": torch.tanh,
}
_EXACT: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "abs": torch.abs,
    "ceil": torch.ceil,
    "floor": torch.floor,
    "logical_not": torch.logical_not,
    "round": torch.round,
}
"""Functions whose result is as representable as the operand."""


def _register(functions: dict[str, Callable[[torch.Tensor], torch.Tensor]], *, movement: bool) -> None:
    for name, function in functions.items():

        def run(x: torch.Tensor, function: Callable[[torch.Tensor], torch.Tensor] = function) -> torch.Tensor:
            return function(x)

        run.__name__ = name
        op(name, movement=movement)(run)


_register(_FUNCTIONS, movement=False)
_register(_EXACT, movement=True)


@op("exp2")
def exp2(x: torch.Tensor) -> torch.Tensor:
    """2^x; of integers too, exactly as long as the result is an int32."""
    return torch.exp2(widened(x))


@op("sign", movement=True)
def sign(x: torch.Tensor) -> torch.Tensor:
    """-1, 0 or 1; NaN stays NaN (torch turns it into 0, which would hide a fault)."""
    signs = torch.sign(x)
    return torch.where(torch.isnan(x), x, signs) if x.dtype.is_floating_point else signs


@op("log")
def log(x: torch.Tensor, epsilon: Argument = 1e-45) -> torch.Tensor:
    """log(x + epsilon)."""
    return torch.log(x + as_float(epsilon))


@op("rsqrt")
def rsqrt(x: torch.Tensor, epsilon: Argument = 1e-12) -> torch.Tensor:
    """1 / sqrt(x + epsilon)."""
    return torch.rsqrt(x + as_float(epsilon))


@op("inverse")
def inverse(x: torch.Tensor, epsilon: Argument = 1e-4) -> torch.Tensor:
    """1 / (x + epsilon)."""
    return torch.reciprocal(x + as_float(epsilon))


@op("clip")
def clip(x: torch.Tensor, alpha: Argument, beta: Argument) -> torch.Tensor:
    """min(max(x, alpha), beta)."""
    return torch.clamp(x, as_float(alpha), as_float(beta))


@op("threshold")
def threshold(x: torch.Tensor, alpha: Argument) -> torch.Tensor:
    """max(x, alpha)."""
    low = as_float(alpha)
    return torch.clamp(x, min=low if x.dtype.is_floating_point else int(low))


_INTEGERS = {
    "int8": torch.int8,
    "uint8": torch.uint8,
    "int16": torch.int16,
    "uint16": torch.int32,
    "int32": torch.int32,
    "int64": torch.int64,
    "uint32": torch.int64,
}
_FLOATS = {"fp16", "fp32", "float16", "float32", "fp64", "float64"}


@op("cast")
def cast(x: torch.Tensor, dtype: Argument) -> torch.Tensor:
    """Change of dtype: to integers towards zero, to bool by x != 0.

    Rounding to fp16 is the executor's, which knows the precision; uint16 is carried as int32.
    """
    name = as_str(dtype)
    if name == "bool":
        return x != 0
    if name in _FLOATS:
        return x if x.dtype.is_floating_point else x.float()
    if name not in _INTEGERS:
        raise ValueError(f"cast to unknown dtype {name!r}")
    if name in ("uint16", "uint32"):
        return x.to(torch.int64).bitwise_and(0xFFFF if name == "uint16" else 0xFFFFFFFF).to(_INTEGERS[name])
    return x.to(_INTEGERS[name])
