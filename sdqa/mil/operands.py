"""What an operation is given, read for the recognition of patterns: constants, flags, axes, and how to make them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sdqa.mil.constants import Constant, Immediate
from sdqa.mil.graph import Argument, Node
from sdqa.mil.types import ValueType


def last_output(node: Node) -> str:
    """The name of an operation's only result."""
    return node.outputs[0].name


def split_constant(node: Node) -> tuple[Constant | None, Argument | None]:
    """The constant and the computed operand of a commutative operation; None for the first where there is none."""
    x, y = node.single("x"), node.single("y")
    if isinstance(y, Constant) and isinstance(x, str):
        return y, x
    if isinstance(x, Constant) and isinstance(y, str):
        return x, y
    return None, None


def number(argument: Argument | None, default: float) -> float:
    """A constant scalar; the default where the argument is absent; NaN where it is no constant scalar."""
    if argument is None:
        return default
    if not isinstance(argument, Constant) or argument.type.kind != "tensor" or argument.type.elements != 1:
        return float("nan")
    values = argument.read()
    return (
        float(values.reshape(-1)[0]) if isinstance(values, np.ndarray) and values.dtype.kind in "fiu" else float("nan")
    )


def flagged(node: Node, key: str) -> bool:
    """Whether a flag is set, or might be."""
    argument = node.single(key)
    if argument is None:
        return False
    return not isinstance(argument, Constant) or bool(np.asarray(argument.read()).any())


def axes_kept(node: Node, shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """The axes a reduction keeps as ones, ascending; None where it does not keep them or they are not constant."""
    axes = node.single("axes")
    if shape is None or not isinstance(axes, Constant) or not flagged(node, "keep_dims"):
        return None
    return tuple(sorted({int(axis) % len(shape) for axis in np.asarray(axes.read()).reshape(-1)}))


def per_channel(constant: Constant, shape: tuple[int, ...]) -> bool:
    """Whether a constant broadcasts along axis 1 of a shape, one value for each channel."""
    sizes = constant.type.shape
    return len(sizes) == len(shape) and sizes[1] == shape[1] == constant.type.elements


def integers(values: Iterable[int]) -> Immediate:
    array = np.array(list(values), np.int32)
    return Immediate("", ValueType("tensor", "int32", array.shape), array)


def real(value: float) -> Immediate:
    return Immediate("", ValueType("tensor", "fp64"), np.array(value, np.float64))


def flag(value: bool) -> Immediate:
    return Immediate("", ValueType("tensor", "bool"), np.array(value))
