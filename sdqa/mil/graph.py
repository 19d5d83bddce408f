"""A program's graph: plain records, in the order of execution, every reference resolved or refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from sdqa.mil.constants import Constant
from sdqa.mil.types import ValueType

Argument: TypeAlias = "str | Constant"
"""What an operation is given: the name of a value computed before, or a constant."""

TUPLE_ARGUMENTS = frozenset({"values", "ref_tensors", "loop_vars"})
"""Arguments that are lists of values even when they hold one."""


@dataclass(slots=True, eq=False)
class Value:
    """A named result and its declared type."""

    name: str
    type: ValueType


@dataclass(slots=True, eq=False)
class Node:
    """One operation of the program."""

    type: str
    name: str
    inputs: dict[str, list[Argument]]
    outputs: list[Value]
    blocks: list[Block] = field(default_factory=list)

    def names_used(self) -> Iterator[str]:
        """The names of the computed values it needs, those that its nested blocks take from outside included."""
        for arguments in self.inputs.values():
            for argument in arguments:
                if isinstance(argument, str):
                    yield argument
        for block in self.blocks:
            yield from block.names_used()

    def single(self, argument: str) -> Argument | None:
        """The value of an argument that is given once, None where it is not given so."""
        given = self.inputs.get(argument)
        return given[0] if given is not None and len(given) == 1 else None


@dataclass(slots=True, eq=False)
class Block:
    """A sequence of operations: a function's body, or a branch or loop inside one."""

    inputs: list[Value]
    nodes: list[Node]
    outputs: list[Argument]
    constants: dict[str, Constant]
    """The constants defined in this block itself, by name."""

    def names_used(self) -> Iterator[str]:
        """The names it takes from outside."""
        own = {value.name for value in self.inputs}
        for node in self.nodes:
            for name in node.names_used():
                if name not in own:
                    yield name
            own.update(value.name for value in node.outputs)
        for output in self.outputs:
            if isinstance(output, str) and output not in own:
                yield output

    def walk(self) -> Iterator[Node]:
        """All operations, those of nested blocks after the operation that holds them."""
        for node in self.nodes:
            yield node
            for block in node.blocks:
                yield from block.walk()


@dataclass(slots=True, eq=False)
class Function:
    """One function of a program."""

    name: str
    opset: str
    body: Block
    output_names: list[str]

    @property
    def inputs(self) -> list[Value]:
        """Its inputs, states included."""
        return self.body.inputs
