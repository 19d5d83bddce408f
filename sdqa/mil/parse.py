"""From the protobuf message to the graph, refusing whatever is not a program that can be run.

Every check that costs little is made here, so that a bad package fails when it is loaded: references, duplicates,
unknown operations, data types, sizes, and the records of all blobs in weight files.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sdqa.errors import PackageError, UnsupportedPackage
from sdqa.mil import registry
from sdqa.mil.blob import decode
from sdqa.mil.constants import Constant, Immediate, Literal, Stored, Unpacked, Unpacking
from sdqa.mil.graph import Argument, Block, Function, Node, Value
from sdqa.mil.package import Package
from sdqa.mil.types import BY_CODE, OPEN, DataType, ValueType

MAX_ELEMENTS = 1 << 40
"""More elements than any declared tensor may have; what can be held at once is checked when the program runs."""
MAX_RANK = 16
MAX_CONSTEXPR_RUNS = 64
"""How many `constexpr_*` operations one constant may take; real packages chain three."""
OPSETS = ("CoreML5", "CoreML6", "CoreML7", "CoreML8", "CoreML9")

_FIELD_OF = {"floats": "f", "doubles": "f", "ints": "iu", "longInts": "iu", "bools": "b"}
"""The kinds of numbers each field of an immediate tensor may hold."""


@dataclass
class _Scope:
    """The names visible at a point of the program."""

    values: set[str]
    constants: dict[str, Constant]

    def nested(self) -> _Scope:
        return _Scope(set(self.values), dict(self.constants))


class Parser:
    """Builds the graph of one package."""

    def __init__(self, package: Package, knows: Callable[[str], bool] = registry.is_known) -> None:
        self.package = package
        self._knows = knows
        """Whether there is an operation of a name."""
        self._types: dict[bytes, ValueType] = {}
        self._runs: dict[int, int] = {}
        """How many unpackings it takes to make a constant, by its identity."""

    def functions(self) -> dict[str, Function]:
        """All functions of the program by name.

        Raises:
            PackageError: if the program is not well-formed.
            UnsupportedPackage: if it is, but uses what cannot be executed.
        """
        program = self.package.model.mlProgram
        if not program.functions:
            raise PackageError("the program has no functions", where=self.package.name)
        return {name: self._function(name, program.functions[name]) for name in sorted(program.functions)}

    def _function(self, name: str, message: Any) -> Function:
        where = f"{self.package.name}: function {name!r}"
        if message.opset not in message.block_specializations:
            offered = ", ".join(sorted(message.block_specializations)) or "none"
            raise PackageError(f"there is no body for the opset {message.opset!r} (there is {offered})", where=where)
        if message.opset not in OPSETS:
            raise UnsupportedPackage(
                f"the opset {message.opset!r} is not known (known are {', '.join(OPSETS)})", where=where
            )
        inputs = [self._value(item, where) for item in message.inputs]
        scope = _Scope(set(), {})
        body = self._block(message.block_specializations[message.opset], inputs, scope, where)
        return Function(name, message.opset, body, list(message.block_specializations[message.opset].outputs))

    def _block(self, message: Any, inputs: list[Value], scope: _Scope, where: str) -> Block:
        own = dict[str, Constant]()
        for value in inputs:
            self._define(value.name, scope, where)
            scope.values.add(value.name)
        nodes: list[Node] = []
        for operation in message.operations:
            kind = operation.type
            if kind == "const" or kind.startswith("constexpr_"):
                for constant in self._constants(operation, scope, where):
                    self._define(constant.name, scope, where)
                    scope.constants[constant.name] = own[constant.name] = constant
            else:
                node = self._node(operation, scope, where)
                for value in node.outputs:
                    self._define(value.name, scope, where)
                    scope.values.add(value.name)
                nodes.append(node)
        outputs = [self._resolve(name, scope, f"{where}: its outputs") for name in message.outputs]
        return Block(inputs, nodes, outputs, own)

    def _define(self, name: str, scope: _Scope, where: str) -> None:
        if not name:
            raise PackageError("a value has no name", where=where)
        if name in scope.values or name in scope.constants:
            raise PackageError(f"the value {name!r} is defined twice", where=where)

    def _resolve(self, name: str, scope: _Scope, where: str) -> Argument:
        if name in scope.values:
            return name
        constant = scope.constants.get(name)
        if constant is None:
            raise PackageError(f"the value {name!r} is used before anything computes it", where=where)
        return constant

    def _node(self, message: Any, scope: _Scope, where: str) -> Node:
        name = _operation_name(message)
        where = f"{where}: {message.type} {name!r}"
        if not self._knows(message.type):
            raise UnsupportedPackage(
                f"the operation {message.type!r} is not known",
                where=where,
                hint="custom layers cannot be executed; otherwise the package is newer than this runtime",
            )
        inputs = {
            key: [
                self._resolve(binding.name, scope, where)
                if binding.WhichOneof("binding") == "name"
                else self._literal("", binding.value, where)
                for binding in message.inputs[key].arguments
            ]
            for key in sorted(message.inputs)  # a protobuf map has no order of its own
        }
        for key, arguments in inputs.items():
            if not arguments and key != "values":
                raise PackageError(f"the argument {key!r} is empty", where=where)
        blocks = []
        for block in message.blocks:
            blocks.append(
                self._block(block, [self._value(item, where) for item in block.inputs], scope.nested(), where)
            )
        return Node(message.type, name, inputs, [self._value(item, where) for item in message.outputs], blocks)

    def _constants(self, message: Any, scope: _Scope, where: str) -> list[Constant]:
        where = f"{where}: {message.type} {_operation_name(message)!r}"
        if message.type == "const":
            if len(message.outputs) != 1 or "val" not in message.attributes:
                raise PackageError("a constant has one output and a value", where=where)
            constant = self._literal(message.outputs[0].name, message.attributes["val"], where)
            declared = self._type_of(message.outputs[0].type, where)
            if declared != constant.type:
                raise PackageError(f"it is declared {declared}, its value is {constant.type}", where=where)
            return [constant]
        if not self._knows(message.type):
            raise UnsupportedPackage(f"the operation {message.type!r} is not known", where=where)
        arguments = {
            key: self._literal("", value, where) for key, value in sorted(message.attributes.items()) if key != "name"
        }
        for key, argument in message.inputs.items():
            if len(argument.arguments) != 1:
                raise PackageError(f"the argument {key!r} is not one value", where=where)
            binding = argument.arguments[0]
            resolved = (
                self._resolve(binding.name, scope, where)
                if binding.WhichOneof("binding") == "name"
                else self._literal("", binding.value, where)
            )
            if isinstance(resolved, str):
                raise PackageError(f"the argument {key!r} is computed, but must be constant", where=where)
            arguments[key] = resolved
        source = Unpacking(message.type, _operation_name(message), arguments, where)
        runs = 1 + sum(self._runs.get(id(constant), 0) for constant in arguments.values())
        if runs > MAX_CONSTEXPR_RUNS:
            raise PackageError(f"more than {MAX_CONSTEXPR_RUNS} constexpr operations feed each other", where=where)
        results: list[Constant] = []
        for index, output in enumerate(message.outputs):
            value = self._value(output, where)
            result = Unpacked(value.name, value.type, source, index)
            self._runs[id(result)] = runs
            results.append(result)
        return results

    def _value(self, message: Any, where: str) -> Value:
        return Value(message.name, self._type_of(message.type, where))

    def _type_of(self, message: Any, where: str) -> ValueType:
        key = message.SerializeToString()
        known = self._types.get(key)
        if known is None:
            known = self._types[key] = self._new_type(message, where)
        return known

    def _new_type(self, message: Any, where: str) -> ValueType:
        kind = message.WhichOneof("type")
        if kind == "tensorType":
            return self._tensor_type("tensor", message.tensorType, where)
        if kind == "stateType":
            if message.stateType.wrappedType.WhichOneof("type") != "tensorType":
                raise PackageError("a state does not hold a tensor", where=where)
            return self._tensor_type("state", message.stateType.wrappedType.tensorType, where)
        if kind in ("listType", "tupleType", "dictionaryType"):
            return ValueType(kind.removesuffix("Type"), "", any_rank=True)
        raise PackageError("a value has no type", where=where)

    def _tensor_type(self, kind: str, message: Any, where: str) -> ValueType:
        data_type = BY_CODE.get(message.dataType)
        if data_type is None:
            raise UnsupportedPackage(f"the data type with code {message.dataType} is not supported", where=where)
        shape: list[int] = []
        for dimension in message.dimensions:
            if dimension.WhichOneof("dimension") == "constant":
                shape.append(dimension.constant.size)
            elif dimension.unknown.variadic:
                return ValueType(kind, data_type.name, (), any_rank=True)
            else:
                shape.append(OPEN)
        if len(shape) > MAX_RANK:
            raise PackageError(f"a tensor has {len(shape)} dimensions", where=where)
        if math.prod(size for size in shape if size != OPEN) > MAX_ELEMENTS or any(s > MAX_ELEMENTS for s in shape):
            raise PackageError(
                f"a tensor of shape {shape} has more than 2^40 elements", where=where, hint="no machine could hold it"
            )
        return ValueType(kind, data_type.name, tuple(shape))

    def _literal(self, name: str, message: Any, where: str) -> Constant:
        value_type = self._type_of(message.type, where)
        if value_type.kind == "tensor" and (value_type.any_rank or value_type.elements is None):
            raise PackageError(f"a constant has the open type {value_type}", where=where)
        source = message.WhichOneof("value")
        if source == "blobFileValue":
            if value_type.kind != "tensor" or not value_type.element.blob_code:
                raise PackageError(f"a value of type {value_type} cannot lie in a weight file", where=where)
            file = self.package.weight_file(message.blobFileValue.fileName)
            offset = message.blobFileValue.offset
            try:
                file.locate(offset, value_type.element, value_type.shape)
            except PackageError as error:
                raise PackageError(error.what, where=f"{where}; {error.where}", hint=error.hint) from error
            return Stored(name, value_type, file, offset)
        if source != "immediateValue":
            raise PackageError("a constant has no value", where=where)
        return Immediate(name, value_type, self._immediate(message.immediateValue, value_type, where))

    def _immediate(self, message: Any, value_type: ValueType, where: str) -> Literal:
        kind = message.WhichOneof("value")
        if kind != value_type.kind:
            raise PackageError(f"a {kind} stands where the type says {value_type.kind}", where=where)
        if kind == "tensor":
            return _immediate_tensor(message.tensor, value_type.element, value_type.shape, where)
        if kind == "dictionary":
            keys = [_plain(self._literal("", pair.key, where).read()) for pair in message.dictionary.values]
            if not all(isinstance(key, str | int) for key in keys):
                raise PackageError("a dictionary's keys are neither text nor integers", where=where)
            values = [_plain(self._literal("", pair.value, where).read()) for pair in message.dictionary.values]
            return dict(zip(keys, values, strict=True))
        items = message.list.values if kind == "list" else message.tuple.values
        return [_plain(self._literal("", item, where).read()) for item in items]


def _operation_name(message: Any) -> str:
    names = [] if "name" not in message.attributes else message.attributes["name"].immediateValue.tensor.strings.values
    if names:
        return str(names[0])
    return str(message.outputs[0].name if message.outputs else message.type)


def _plain(value: Literal) -> Any:
    """A scalar as python has it, so that it can be a key or a label; anything else as it is."""
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _immediate_tensor(message: Any, data_type: DataType, shape: tuple[int, ...], where: str) -> Literal:
    kind = message.WhichOneof("value")
    count = math.prod(shape)
    if data_type.stored is None:
        strings = list(message.strings.values)
        if kind not in ("strings", None) or len(strings) != count:
            raise PackageError(f"{count} strings expected, {len(strings)} given", where=where)
        return strings[0] if shape == () else list(strings)
    if kind == "bytes":
        try:
            return decode(np.frombuffer(message.bytes.values, np.uint8), data_type, shape)
        except ValueError as error:
            raise PackageError(f"an immediate value does not fit its type: {error}", where=where) from error
    if kind is None:
        given: Any = ()
    elif data_type.stored.kind in _FIELD_OF.get(kind, ""):
        given = list(getattr(message, kind).values)
    else:
        raise PackageError(f"an immediate value of type {data_type.name} is given as {kind}", where=where)
    if len(given) != count:
        raise PackageError(
            f"an immediate value has {len(given)} elements, its shape {list(shape)} {count}", where=where
        )
    try:
        return np.array(given, dtype=data_type.stored).reshape(shape)
    except (OverflowError, ValueError) as error:
        raise PackageError(f"an immediate value does not fit {data_type.name}: {error}", where=where) from error
