"""From the graph to steps that can be executed: what runs, what it is given, and which values can be dropped when."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

import torch

from sdqa.mil import registry
from sdqa.mil.constants import Constant
from sdqa.mil.fused import FUSED
from sdqa.mil.graph import TUPLE_ARGUMENTS, Argument, Block, Node, Value
from sdqa.mil.limits import ESTIMATES, Estimate
from sdqa.mil.overwriting import Overwriting, find_overwriting
from sdqa.mil.packed import packed_layer
from sdqa.mil.types import ValueType
from sdqa.mil.weights import Weights


@dataclass(slots=True, eq=False)
class Result:
    """One output of a step, and what is done to it."""

    value: Value
    carrier: torch.dtype | None
    """The dtype it is cast to; None where it is no tensor."""
    rounded: bool
    """Whether it is rounded to fp16 (declared so, and computed rather than moved)."""


@dataclass(slots=True, eq=False)
class Step:
    """One operation, ready to run."""

    node: Node
    operation: registry.Operation
    constants: list[tuple[str, Constant]]
    computed: list[tuple[str, str]]
    tuples: list[tuple[str, list[Argument]]]
    results: list[Result]
    blocks: list[BlockPlan]
    estimate: Estimate | None = None
    """How many elements it will make, from its arguments; None where that cannot be more than it is given."""
    overwriting: Overwriting | None = None
    """How it may change a state in place; None where it makes a value of its own."""
    release: list[str] = field(default_factory=list)
    """Names whose last use this is."""


@dataclass(slots=True, eq=False)
class BlockPlan:
    """The steps of one block."""

    block: Block
    steps: list[Step]


def plan_block(block: Block, precision: str, keep: Set[str] = frozenset(), packing: Weights | None = None) -> BlockPlan:
    """Steps for a block.

    Args:
        precision: "declared", "float32" or "native".
        keep: names of values not to be dropped before the end.
        packing: where layers may keep packed weights; None executes every operation as it is.
    """
    types = {value.name: value.type for value in block.inputs}
    types |= {value.name: value.type for node in block.nodes for value in node.outputs}
    steps = [_step(node, precision, types, packing) for node in block.nodes]
    if not keep:
        found = find_overwriting(block)
        for step in steps:
            step.overwriting = found.get(id(step.node))
    kept = set(keep) | {output for output in block.outputs if isinstance(output, str)}
    kept |= {value.name for value in block.inputs}
    seen: set[str] = set(kept)
    own = {value.name for node in block.nodes for value in node.outputs}
    for step in reversed(steps):
        for result in step.results:
            if result.value.name not in seen:
                step.release.append(result.value.name)
        for name in step.node.names_used():
            if name not in seen and name in own:
                seen.add(name)
                step.release.append(name)
    return BlockPlan(block, steps)


def _step(node: Node, precision: str, types: dict[str, ValueType], packing: Weights | None) -> Step:
    operation = registry.operation(node.type) or FUSED.get(node.type)
    if operation is None:
        raise AssertionError(f"{node.type} was admitted when the package was parsed")
    constants: list[tuple[str, Constant]] = []
    computed: list[tuple[str, str]] = []
    tuples: list[tuple[str, list[Argument]]] = []
    for key, arguments in node.inputs.items():
        if len(arguments) != 1 or key in TUPLE_ARGUMENTS:
            tuples.append((key, arguments))
        elif isinstance(arguments[0], str):
            computed.append((key, arguments[0]))
        else:
            constants.append((key, arguments[0]))
    layer = None if packing is None else packed_layer(node, types, operation.run, packing)
    if layer is not None:
        operation, constants = registry.Operation(node.type, layer), []
    results = [_result(value, operation, precision) for value in node.outputs]
    blocks = [plan_block(block, precision) for block in node.blocks]
    estimate = None if layer is not None else ESTIMATES.get(node.type)
    return Step(node, operation, constants, computed, tuples, results, blocks, estimate)


def _result(value: Value, operation: registry.Operation, precision: str) -> Result:
    if value.type.kind != "tensor":
        return Result(value, None, rounded=False)
    half = value.type.dtype == "fp16"
    if half and precision == "native":
        return Result(value, torch.float16, rounded=False)
    return Result(value, value.type.element.carrier, half and precision == "declared" and not operation.movement)
