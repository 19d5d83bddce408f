"""What a program costs: per operation arithmetic and memory traffic, and over the whole its peak of live memory.

Counts follow the graph as written, in the declared dtypes: they say what the program asks for, not what this machine
does. A multiply-add counts as two operations; moving data counts as none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sdqa.mil import registry
from sdqa.mil.constants import Constant
from sdqa.mil.graph import Argument, Function, Node
from sdqa.mil.plan import plan_block
from sdqa.mil.types import BY_NAME, ValueType

_PER_ELEMENT = {"softmax": 5, "gelu": 8, "silu": 4, "layer_norm": 8, "batch_norm": 2, "instance_norm": 8, "l2_norm": 3}
"""Rough counts for functions that are more than one operation for each element; others count one."""

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class OperationCost:
    """One operation's cost; None where a shape is open and no inputs were given to fix it, or is impossible."""

    name: str
    type: str
    flops: int | None
    bytes_read: int | None
    """Computed operands and constants, as unpacked."""
    bytes_written: int | None


@dataclass(frozen=True)
class Profile:
    """A program's cost."""

    operations: tuple[OperationCost, ...]
    peak_live_bytes: int | None
    """The most that computed values occupy at one time, weights not counted."""
    weight_bytes_stored: int
    """What the constants occupy in the package's files."""
    weight_bytes_unpacked: int
    """What they occupy in their declared dtypes once unpacked."""

    @property
    def flops(self) -> int | None:
        """Of the whole program."""
        counts = [operation.flops for operation in self.operations]
        return None if None in counts else sum(count for count in counts if count is not None)


def profile_function(function: Function, shapes: Shapes) -> Profile:
    """Count a function's costs.

    Args:
        shapes: shapes seen in a run, by the names of values; they take precedence over the declared ones.
    """
    types = {value.name: value.type for value in function.inputs}
    nodes = list(function.body.walk())
    for node in nodes:
        types.update((value.name, value.type) for value in node.outputs)
        for block in node.blocks:
            types.update((value.name, value.type) for value in block.inputs)
    sizes = {name: shapes.get(name, value_type.shape) for name, value_type in types.items()}
    used = {id(constant): constant for node in nodes for constant in _constants(node)}.values()
    return Profile(
        tuple(_cost(node, types, sizes) for node in nodes),
        _peak(function, sizes),
        sum(constant.stored_bytes for constant in used),
        sum(constant.unpacked_bytes for constant in used),
    )


def _constants(node: Node) -> list[Constant]:
    return [item for items in node.inputs.values() for item in items if isinstance(item, Constant)]


def _bytes(value_type: ValueType, shape: tuple[int, ...]) -> int | None:
    if value_type.kind not in ("tensor", "state") or value_type.dtype == "string":
        return 0
    if value_type.any_rank and not shape:
        return None
    if any(size < 0 for size in shape):
        return None
    return (math.prod(shape) * BY_NAME[value_type.dtype].bits + 7) // 8


def _total(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _cost(node: Node, types: Mapping[str, ValueType], sizes: Shapes) -> OperationCost:
    read: list[int | None] = [constant.unpacked_bytes for constant in _constants(node)]
    for items in node.inputs.values():
        read += [_bytes(types[item], sizes[item]) for item in items if isinstance(item, str)]
    written = _total([_bytes(value.type, sizes[value.name]) for value in node.outputs])
    try:
        flops = _flops(node, sizes)
    except (IndexError, TypeError, ValueError):  # shapes that the operation cannot have: it fails when it runs
        flops = None
    return OperationCost(node.name, node.type, flops, _total(read), written)


def _flops(node: Node, sizes: Shapes) -> int | None:
    operation = registry.operation(node.type)
    if operation is None or operation.movement or not node.outputs:
        return 0

    def measured(given: Argument | None) -> tuple[int, ...]:
        if given is None:
            return ()
        return given.type.shape if isinstance(given, Constant) else sizes[given]

    def shape(argument: str) -> tuple[int, ...]:
        return measured(node.single(argument))

    result = sizes[node.outputs[0].name]
    elements = math.prod(result)
    if any(size < 0 for size in (*result, *shape("x"), *shape("y"), *shape("weight"), *shape("query"))):
        return None
    bias = elements if "bias" in node.inputs else 0
    match node.type:
        case "conv":
            return 2 * elements * math.prod(shape("weight")[1:]) + bias
        case "conv_transpose":
            # every input element meets each weight of its channel once
            return 2 * math.prod(shape("x")) * math.prod(shape("weight")[1:]) + bias
        case "linear":
            return 2 * elements * shape("weight")[-1] + bias
        case "matmul":
            transposed = node.single("transpose_x")
            flipped = isinstance(transposed, Constant) and bool(transposed.read())
            x = shape("x")
            return 2 * elements * (x[-2] if flipped and len(x) > 1 else x[-1])
        case "einsum":
            return _einsum_flops(node, [measured(given) for given in node.inputs["values"]])
        case "scaled_dot_product_attention":
            query, key, value = shape("query"), shape("key"), shape("value")
            scores = math.prod(query[:-1]) * key[-2]
            return scores * (2 * query[-1] + 2 * value[-1] + 5)
        case "lstm" | "gru" | "rnn":
            steps, batch = (*shape("x"), 1, 1)[:2]
            return 2 * steps * batch * (math.prod(shape("weight_ih")) + math.prod(shape("weight_hh")))
        case kind if kind.startswith("reduce_"):
            return math.prod(shape("x"))
        case "avg_pool" | "l2_pool" | "max_pool":
            kernel = node.single("kernel_sizes")
            return elements * (math.prod(kernel.read().tolist()) if isinstance(kernel, Constant) else 1)  # type: ignore[union-attr]
        case kind:
            return elements * _PER_ELEMENT.get(kind, 1)


def _einsum_flops(node: Node, shapes: list[tuple[int, ...]]) -> int | None:
    """A multiply-add for every combination of the equation's letters."""
    equation = node.single("equation")
    if not isinstance(equation, Constant) or any(size < 0 for each in shapes for size in each):
        return None
    terms = str(equation.read()).replace(" ", "").partition("->")[0].split(",")
    extents: dict[str, int] = {}
    for term, each in zip(terms, shapes, strict=True):
        for letter, size in zip(term, each, strict=True):
            extents[letter] = max(size, extents.get(letter, 1))
    return 2 * math.prod(extents.values())


def _peak(function: Function, sizes: Shapes) -> int | None:
    plan = plan_block(function.body, "declared")
    live = {value.name: _bytes(value.type, sizes[value.name]) for value in function.inputs}
    current = _total(list(live.values()))
    if current is None:
        return None
    peak = current
    for step in plan.steps:
        for result in step.results:
            size = _bytes(result.value.type, sizes[result.value.name])
            if size is None:
                return None
            live[result.value.name] = size
            current += size
        peak = max(peak, current)
        for name in step.release:
            current -= live.pop(name, 0) or 0
    return peak
