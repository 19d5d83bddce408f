"""Updates of a state in its own memory: a decoder's cache is not copied for every token.

A program reads a state, replaces a part of it and writes it back. Values read before must stay what they were, so that
each step of this copies the whole state, unless nobody can see the old value any more. What the graph can say is found
when a program is planned: the update takes the state's current value, is its last user, and is what is written back
before anything reads the state again. What only a run can say is checked then: no value that is still needed shares
the memory. Where either fails, the update copies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from sdqa.mil.constants import Constant
from sdqa.mil.containers import StateCell, TensorList, shares_memory
from sdqa.mil.graph import Argument, Block, Node
from sdqa.mil.ops.scatter_gather import put, put_along_axis, put_nd
from sdqa.mil.ops.slicing import updated_slice
from sdqa.mil.registry import Operation

WRITERS = frozenset({"write_state", "coreml_update_state"})
UPDATES: Mapping[str, tuple[str, Operation]] = {
    "slice_update": ("x", Operation("slice_update", updated_slice)),
    "scatter": ("data", Operation("scatter", put)),
    "scatter_nd": ("data", Operation("scatter_nd", put_nd)),
    "scatter_along_axis": ("data", Operation("scatter_along_axis", put_along_axis)),
}
"""By operation, the argument that it changes a part of, and its form that does so in place.

They only move values of the declared type, so that nothing is to be rounded: scatters that compute are not meant.
"""


@dataclass(frozen=True)
class Overwriting:
    """How a step may work in the memory of a state."""

    state: str
    argument: str
    """The argument that holds the state's value."""
    operation: Operation


def find_overwriting(block: Block) -> dict[int, Overwriting]:
    """The updates of states that may be made in place, by the identity of the node."""
    found: dict[int, Overwriting] = {}
    for state in (value.name for value in block.inputs if value.type.kind == "state"):
        found.update(_updates(block, state))
    return found


def _updates(block: Block, state: str) -> dict[int, Overwriting]:
    """Those of one state; none where a nested block uses it, whose runs the order of operations does not tell."""
    if any(state in nested.names_used() for node in block.nodes for nested in node.blocks):
        return {}
    last = _last_uses(block)
    found: dict[int, Overwriting] = {}
    current: str | None = None
    chain: dict[int, Overwriting] = {}
    for index, node in enumerate(block.nodes):
        held = UPDATES.get(node.type)
        if node.type == "read_state" and node.single("input") == state:
            current, chain = node.outputs[0].name, {}
        elif node.type in WRITERS and state in (node.single("input"), node.single("state")):
            if chain and node.single("data" if node.type == "write_state" else "value") == current:
                found.update(chain)
            current, chain = None, {}
        elif held is not None and current is not None and node.single(held[0]) == current:
            if _uses(node, current) == 1 and last.get(current) == index and _moves(node):
                current = node.outputs[0].name
                chain[id(node)] = Overwriting(state, *held)
            else:
                current, chain = None, {}
    return found


def _last_uses(block: Block) -> dict[str, int]:
    """By value, the position of the operation that uses it last; past the end where the block gives it."""
    last = {name: index for index, node in enumerate(block.nodes) for name in node.names_used()}
    last.update((output, len(block.nodes)) for output in block.outputs if isinstance(output, str))
    return last


def _uses(node: Node, name: str) -> int:
    given: list[Argument] = [item for items in node.inputs.values() for item in items]
    return given.count(name)


def _moves(node: Node) -> bool:
    """Whether a scatter replaces values, and does not combine them."""
    mode = node.single("mode")
    return node.type == "slice_update" or (isinstance(mode, Constant) and mode.read() == "update")


def owns_memory(overwriting: Overwriting, name: str, values: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
    """Whether a value is its state's memory, and nothing else that is still needed lies in the same.

    Args:
        name: of the value to be overwritten.
        values: all that are needed from here on, by name.
        arguments: what the step is given.
    """
    cell, value = values.get(overwriting.state), arguments[overwriting.argument]
    if not isinstance(cell, StateCell) or not isinstance(value, torch.Tensor) or not shares_memory(value, cell.value):
        return False
    if not value.is_contiguous():
        return False
    storage = _storage(value)
    others = [item for key, item in values.items() if key not in (name, overwriting.state)]
    others += [item for key, item in arguments.items() if key != overwriting.argument]
    return all(_storage(tensor) != storage for item in others for tensor in _tensors(item))


def _storage(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, StateCell):
        yield value.value
    elif isinstance(value, TensorList):
        yield from (item for item in (*value.items, value.empty) if item is not None)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)
