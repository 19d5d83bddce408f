"""Reading and editing the constants of an .mlpackage: weights, compressed or not, and numbers in its program."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from sdqa.errors import FaultError, PackageError
from sdqa.faults.blob_writer import BlobWriter
from sdqa.faults.messages import Array, declare, set_immediate, set_name
from sdqa.mil.constants import Constant, Immediate, Stored
from sdqa.mil.graph import Function
from sdqa.mil.package import open_package
from sdqa.mil.parse import Parser
from sdqa.mil.types import BY_NAME, DataType
from sdqa.store import write_atomically

_IMMEDIATE_LIMIT = 10
"""Tensors of fewer elements are written into the program itself, as coremltools does."""
_NAME_OF_NUMPY = {"float16": "fp16", "float32": "fp32", "int32": "int32", "bool": "bool", "uint8": "uint8"}


class ConstantEditor:
    """One package under edit. As a context manager it saves when the block ends without an error."""

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            PackageError: the package is damaged, or its files lead outside its folder.
        """
        self.folder = Path(folder)
        self.package = open_package(self.folder)
        if not self.folder.is_dir():
            raise PackageError("only package folders can be edited", where=self.folder.name)
        functions = Parser(self.package).functions()
        name = self.package.model.description.defaultFunctionName or "main"
        if name not in functions:
            raise PackageError(f"there is no function {name!r}", where=self.folder.name)
        self.graph: Function = functions[name]
        message = self.package.model.mlProgram.functions[name]
        self.function = message
        self.block = message.block_specializations[message.opset]
        self._values: dict[str, Array] = {}
        self._writers: dict[str, BlobWriter] = {}
        self._fresh = 0
        self.removed: set[Path] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.save()

    def save(self) -> None:
        """Write the program and the changed weight files."""
        for writer in self._writers.values():
            writer.save()
        write_atomically(self.model_path, self.package.model.SerializeToString(deterministic=True))

    @property
    def model_path(self) -> Path:
        """The file that holds the program."""
        candidates = sorted(self.package.model_folder.glob("*.mlmodel"))
        if len(candidates) != 1:
            raise PackageError("not exactly one .mlmodel in the package", where=self.folder.name)
        return candidates[0]

    def operations(self, *kinds: str) -> list[Any]:
        """The operation messages that compute something, in order; only those of some kinds when kinds are given."""
        return [
            operation
            for operation in self.block.operations
            if operation.type != "const"
            and not operation.type.startswith("constexpr_")
            and (not kinds or operation.type in kinds)
        ]

    def weights(self, kinds: Iterable[str] = ("conv", "linear"), argument: str = "weight") -> list[str]:
        """Constants that operations of these kinds are given as `argument`, once each, in the order of execution."""
        wanted, found = set(kinds), dict[str, None]()
        for operation in self.operations():
            if operation.type in wanted:
                name = self.constant_of(operation, argument)
                if name is not None:
                    found[name] = None
        return list(found)

    def read(self, name: str) -> Array:
        """A constant's values, unpacked where it is compressed, in its declared dtype.

        Raises:
            FaultError: the package has no such constant, or it is no tensor.
        """
        if name in self._values:
            return self._values[name].copy()
        value = self._constant(name).read()
        if not isinstance(value, np.ndarray):
            raise FaultError(f"the constant {name!r} is not a tensor", where=self.folder.name)
        return np.array(value)

    def write(self, name: str, values: Array) -> None:
        """Give a constant other values of the same shape; a compressed one is stored dense from now on.

        Raises:
            FaultError: there is no such constant, or the shape differs.
        """
        constant = self._constant(name)
        data_type = constant.type.element
        if tuple(values.shape) != tuple(constant.type.shape):
            raise FaultError(f"{name!r} has shape {constant.type.shape}, not {values.shape}", where=self.folder.name)
        with np.errstate(over="ignore"):
            cast = np.ascontiguousarray(values).astype(data_type.stored)
        self._values[name] = cast
        operation = self.definition(name)
        if isinstance(constant, Stored) and operation.type == "const":
            blob = operation.attributes["val"].blobFileValue
            self._writer(blob.fileName).overwrite(blob.offset, cast.tobytes())
        elif isinstance(constant, Immediate):
            set_immediate(operation.attributes["val"].immediateValue.tensor, cast, data_type)
        else:
            self._make_dense(operation, name, cast, data_type)

    def move(self, name: str) -> None:
        """Store a weight's values once more, at the end of its file, and let the program refer to them there."""
        constant, operation = self._constant(name), self.definition(name)
        if isinstance(constant, Stored) and operation.type == "const":
            blob = operation.attributes["val"].blobFileValue
            values, code = self.read(name), constant.type.element.blob_code
            blob.offset = self._writer(blob.fileName).append(code, values.tobytes())

    def definition(self, name: str) -> Any:
        """The operation message that defines a value.

        Raises:
            FaultError: nothing does.
        """
        for operation in self.block.operations:
            if any(output.name == name for output in operation.outputs):
                return operation
        raise FaultError(f"no operation defines {name!r}", where=self.folder.name)

    def constant_of(self, operation: Any, argument: str) -> str | None:
        """The constant's name that an operation is given as an argument, or None when it is computed or missing."""
        bindings = operation.inputs[argument].arguments if argument in operation.inputs else []
        if len(bindings) != 1 or bindings[0].WhichOneof("binding") != "name":
            return None
        name: str = bindings[0].name
        return name if self.is_constant(name) else None

    def is_constant(self, name: str) -> bool:
        """Whether a name is a constant's."""
        return name in self.graph.body.constants or name in self._values

    def bind(self, operation: Any, argument: str, *names: str) -> None:
        """Give an argument other values by name."""
        bindings = operation.inputs[argument].arguments
        del bindings[:]
        for name in names:
            bindings.add(name=name)

    def set_argument(
        self, operation: Any, argument: str, value: Array | float | int | bool | str | Sequence[int]
    ) -> None:
        """Give an argument a constant of this operation's own; others that shared the old one keep it.

        A python float takes the element type of the constant that it replaces.
        """
        before = self.constant_of(operation, argument)
        if isinstance(value, float) and before is not None:
            value = np.array(value, dtype=self.read(before).dtype)
        self.bind(operation, argument, self.constant(value, before=operation))

    def constant(self, value: Array | float | int | bool | str | Sequence[int], *, before: Any) -> str:
        """A new constant, defined before an operation; returns its name. Python floats become fp16."""
        name = self._new_name("constant")
        made = self._place(before)
        made.type = "const"
        output = made.outputs.add(name=name)
        set_name(made, name)
        attribute = made.attributes["val"]
        if isinstance(value, str):
            declare(output.type.tensorType, "string", ())
            attribute.type.CopyFrom(output.type)
            attribute.immediateValue.tensor.strings.values.append(value)
            return name
        array = np.asarray(value)
        if array.dtype == np.float64:
            array = array.astype(np.float16)
        elif array.dtype == np.int64:
            array = array.astype(np.int32)
        type_name = _NAME_OF_NUMPY[array.dtype.name]
        declare(output.type.tensorType, type_name, array.shape)
        self._values[name] = array
        self._store(attribute, array, BY_NAME[type_name], output.type)
        return name

    def _constant(self, name: str) -> Constant:
        constant = self.graph.body.constants.get(name)
        if constant is None or constant.type.kind != "tensor":
            raise FaultError(f"the package has no constant {name!r}", where=self.folder.name)
        return constant

    def _make_dense(self, operation: Any, name: str, values: Array, data_type: DataType) -> None:
        output_type = next(output.type for output in operation.outputs if output.name == name)
        if len(operation.outputs) != 1:
            raise FaultError(f"{name!r} is one of several results of {operation.type}", where=self.folder.name)
        dense = type(operation)()
        dense.type = "const"
        dense.outputs.add(name=name).type.CopyFrom(output_type)
        set_name(dense, name)
        self._store(dense.attributes["val"], values, data_type, output_type)
        operation.CopyFrom(dense)

    def _store(self, value: Any, array: Array, data_type: DataType, value_type: Any) -> None:
        value.type.CopyFrom(value_type)
        if array.size < _IMMEDIATE_LIMIT or not data_type.blob_code:
            set_immediate(value.immediateValue.tensor, array, data_type)
            return
        file_name = self._weight_file_name()
        offset = self._writer(file_name).append(data_type.blob_code, array.tobytes())
        value.blobFileValue.fileName, value.blobFileValue.offset = file_name, offset

    def _weight_file_name(self) -> str:
        for constant in self.graph.body.constants.values():
            if isinstance(constant, Stored):
                return "@model_path/" + constant.file.path.relative_to(self.package.model_folder.resolve()).as_posix()
        raise FaultError("the package has no weight file", where=self.folder.name)

    def _writer(self, file_name: str) -> BlobWriter:
        if file_name not in self._writers:
            self._writers[file_name] = BlobWriter(self.package.weight_file(file_name).path)
        return self._writers[file_name]

    def _place(self, before: Any) -> Any:
        """A new empty operation message just before another. Messages keep their identity: only order changes."""
        index = next(i for i, operation in enumerate(self.block.operations) if operation == before)
        self.block.operations.insert(index, type(before)())
        return self.block.operations[index]

    def _new_name(self, kind: str) -> str:
        self._fresh += 1
        return f"{kind}_edited_{self._fresh}"
