"""The body of an asset's function as nodes, so that two assets can be aligned; read in a process of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sdqa.convert.coreai.constants import CONSTANT, UNPACKING, WHOLE, dense, elements_of
from sdqa.convert.coreai.contents import FUNCTION, graphs_of, kind_of, read_contents
from sdqa.convert.coreai.weights import Weight, without_copies
from sdqa.diagnose.fingerprint import fingerprint
from sdqa.errors import PackageError
from sdqa.mil.constants import Immediate
from sdqa.mil.graph import Argument, Node, Value
from sdqa.mil.types import ValueType

Array = npt.NDArray[Any]

DTYPES = {"f16": "fp16", "f32": "fp32", "f64": "fp64", "i1": "bool"}
"""Core AI's element types to MIL's, where they differ in name."""
CARRIED = frozenset(WHOLE)
"""Element types that can be given to a program and taken from it."""
NAMED_ELEMENTS = 8
"""Constants from this size on are known by their values."""


class Position(NamedTuple):
    """Where a value is made: the operation's number in the body, and which of its results it is."""

    operation: int
    result: int


@dataclass(slots=True, eq=False)
class Given(Immediate):
    """A constant of an asset; its value is an array, unpacked."""

    packed: bool
    """Whether it is stored compressed."""

    @property
    def values(self) -> Array:
        """The value as what it is."""
        found: Array = np.asarray(self.value)
        return found


class AssetProgram:
    """One asset, parsed.

    Constants, and what unpacks them, are arguments of the nodes that take them; everything else is a node. An operation
    has no name in an asset: it is called by its type and number, after the prefix.

    Args:
        parameters: names of the checkpoint's by fingerprint, for the constants that have their values.

    Raises:
        PackageError: it is damaged.
    """

    def __init__(self, asset: Path, parameters: Mapping[bytes, str], *, prefix: str = "") -> None:
        contents = read_contents(asset)
        self.asset, self.program, self._prefix = asset, contents.program, prefix
        self.inputs = [feature.name for feature in contents.inputs]
        self.outputs = [feature.name for feature in contents.outputs]
        self._parameters = parameters
        self._constants: dict[int, Given] = {}
        self.places: dict[str, Position] = {}
        """Of the values that can be taken out and put in."""
        self.kinds: dict[str, str] = {}
        """Element types of those, as Core AI names them."""
        self.operations: dict[str, Any] = {}
        """By their nodes' names."""
        self.nodes = list(self._read())

    def _read(self) -> Iterator[Node]:
        block = graphs_of(self.program)[FUNCTION].regions[0].blocks[0]
        names: dict[Any, str] = dict(zip(block.arguments, self.inputs, strict=True))
        counted: Counter[str] = Counter()
        for number, each in enumerate(block.operations):
            operation = each.operation
            kind = _type(operation)
            if operation.name == CONSTANT or kind in UNPACKING or kind == "output":
                continue
            counted[kind] += 1
            name = f"{self._prefix}{kind}_{counted[kind]}"
            outputs = []
            for index, result in enumerate(operation.results):
                own = name if len(operation.results) == 1 else f"{name}:{index}"
                outputs.append(Value(own, _value_type(result)))
                names[result] = own
                if elements_of(result) and str(result.type.element_type) in CARRIED:
                    self.places[own] = Position(number, index)
                    self.kinds[own] = str(result.type.element_type)
            inputs: dict[str, list[Argument]] = {
                str(index): [self._argument(operand, names)] for index, operand in enumerate(operation.operands)
            }
            self.operations[name] = operation
            yield Node(kind, name, inputs, outputs)

    def _argument(self, operand: Any, names: Mapping[Any, str]) -> Argument:
        if operand in names:
            return names[operand]
        owner = operand.owner
        found = self._constants.get(hash(operand))
        if found is None:
            read = dense(getattr(owner, "operation", owner))
            if read is None:
                raise PackageError("a compressed weight is stored in a way that is not known", where=str(self.asset))
            found = Given(self._name_of(read.values), _value_type(operand), read.values, bool(read.compression))
            self._constants[hash(operand)] = found
        return found

    def _name_of(self, values: Array) -> str:
        """The parameter that has these values, or else what tells them from others; empty for small ones."""
        if values.size < NAMED_ELEMENTS or values.dtype.kind != "f":
            return ""
        print_ = fingerprint(without_copies(Weight("", values, 0)).values)
        return self._parameters.get(print_, f"constant {print_.hex()[:12]}")


def _type(operation: Any) -> str:
    """Its type without dialects; of what runs another graph, that graph's name without what makes it unique."""
    if kind_of(operation) == "invoke":
        callee = str(operation.attributes["callee"]).partition("@")[2].partition(">")[0].strip('"')
        return callee.rpartition("_")[0] or callee
    return kind_of(operation).rpartition(".")[2]


def _value_type(value: Any) -> ValueType:
    if not hasattr(value.type, "shape") or not value.type.has_static_shape:
        return ValueType("tensor", "", any_rank=True)
    kind = str(value.type.element_type)
    return ValueType("tensor", DTYPES.get(kind, kind), tuple(value.type.shape))
