"""Elementwise functions of two tensors, with numpy's broadcasting.

Source: coremltools' definitions iOS15 `elementwise_binary` and iOS15 `control_flow.select`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from sdqa.mil.arguments import Argument, as_tensor
from sdqa.mil.ops.promotion import promote, quotient, widened
from sdqa.mil.registry import op

Binary = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _divide(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """x / y; of integers the quotient cut towards zero, as the declared result is an integer too."""
    return x / y if x.dtype.is_floating_point else quotient(x, y)


def _power(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """x^y; integers by way of float64, since their exponent may be negative."""
    return torch.pow(widened(x), widened(y))


_ARITHMETIC: dict[str, Binary] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "real_div": _divide,
    "floor_div": torch.floor_divide,
    "mod": torch.remainder,
    "pow": _power,
}
_SELECTING: dict[str, Binary] = {"maximum": torch.maximum, "minimum": torch.minimum}
_COMPARING: dict[str, Binary] = {
    "equal": torch.eq,
    "not_equal": torch.ne,
    "greater": torch.gt,
    "greater_equal": torch.ge,
    "less": torch.lt,
    "less_equal": torch.le,
    "logical_and": torch.logical_and,
    "logical_or": torch.logical_or,
    "logical_xor": torch.logical_xor,
}


def _register(functions: dict[str, Binary], *, movement: bool) -> None:
    for name, function in functions.items():

        def run(x: Argument, y: Argument, function: Binary = function) -> torch.Tensor:
            return function(*promote(as_tensor(x), as_tensor(y)))

        run.__name__ = name
        op(name, movement=movement)(run)


_register(_ARITHMETIC, movement=False)
_register(_SELECTING, movement=False)
_register(_COMPARING, movement=True)


@op("select", movement=True)
def select(cond: Argument, a: Argument, b: Argument) -> torch.Tensor:
    """a where cond, else b; all three broadcast against each other."""
    chosen, other = promote(as_tensor(a), as_tensor(b))
    return torch.where(as_tensor(cond).bool(), chosen, other)
