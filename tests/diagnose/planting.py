"""Plants defects in copies of packages: in the weight file's bytes, and in the program's message."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sdqa import compat, mil
from sdqa.mil.constants import Stored

MODEL = "Data/com.apple.CoreML/model.mlmodel"


class Planting:
    """A copy of a package that can be changed, and is saved on leaving."""

    def __init__(self, package: Path, destination: Path) -> None:
        compat.prepare_coremltools()
        from coremltools.proto import Model_pb2

        shutil.copytree(package, destination)
        sidecar = package.with_suffix(".modules.json")
        if sidecar.is_file():
            shutil.copy(sidecar, destination.with_suffix(".modules.json"))
        self.package = destination
        self.model = Model_pb2.Model()
        self.model.ParseFromString((destination / MODEL).read_bytes())
        function = self.model.mlProgram.functions["main"]
        self.block = function.block_specializations[function.opset]

    def __enter__(self) -> Planting:
        return self

    def __exit__(self, *_: object) -> None:
        (self.package / MODEL).write_bytes(self.model.SerializeToString(deterministic=True))

    def weight(self, name: str, change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> None:
        """Change a stored constant's values in the weight file."""
        program = mil.load(self.package)
        constant = program.function.body.constants[name]
        assert isinstance(constant, Stored)
        value = np.array(constant.read())
        changed = np.ascontiguousarray(change(value.astype(np.float32))).astype(value.dtype)
        assert changed.size == value.size
        start, size = constant.file.locate(constant.offset, constant.type.element, constant.type.shape)
        with constant.file.path.open("r+b") as stream:
            stream.seek(start)
            assert stream.write(changed.tobytes()) == size

    def operation(self, name: str) -> Any:
        """An operation's message, by its name."""
        return next(one for one in self.block.operations if _name(one) == name)

    def rewire(self, name: str, argument: str, *values: str) -> None:
        """Give an operation's argument other values."""
        bindings = self.operation(name).inputs[argument].arguments
        del bindings[:]
        for value in values:
            bindings.add().name = value

    def scaled(self, name: str, factor: float) -> str:
        """Insert a multiplication after an operation, for everyone who uses its result; gives its name."""
        return self.insert(name, "mul", factor)

    def insert(self, name: str, kind: str, factor: float) -> str:
        """Insert a binary operation with a number after an operation."""
        index = next(i for i, one in enumerate(self.block.operations) if _name(one) == name)
        output = self.block.operations[index].outputs[0]
        planted = f"planted_{kind}_{index}"
        for other in self.block.operations:
            for argument in other.inputs.values():
                for binding in argument.arguments:
                    if binding.WhichOneof("binding") == "name" and binding.name == output.name:
                        binding.name = planted
        new = type(self.block.operations[0])()
        new.type = kind
        new.outputs.add().CopyFrom(output)
        new.outputs[0].name = planted
        new.inputs["x"].arguments.add().name = output.name
        constant = new.inputs["y"].arguments.add().value
        constant.type.tensorType.dataType = output.type.tensorType.dataType
        if output.type.tensorType.dataType == 10:
            constant.immediateValue.tensor.bytes.values = np.float16(factor).tobytes()
        else:
            constant.immediateValue.tensor.floats.values.append(factor)
        label = new.attributes["name"]
        label.CopyFrom(self.block.operations[index].attributes["name"])
        label.immediateValue.tensor.strings.values[0] = planted
        after = list(self.block.operations)
        del self.block.operations[:]
        self.block.operations.extend([*after[: index + 1], new, *after[index + 1 :]])
        return planted

    def rename(self, prefix: str) -> None:
        """Rename every operation and every computed value but the program's outputs."""
        keep = set(self.block.outputs)
        constants = {one.outputs[0].name for one in self.block.operations if one.type.startswith("const")}
        made = {output.name for one in self.block.operations for output in one.outputs} - keep - constants
        for position, one in enumerate(self.block.operations):
            if one.type.startswith("const"):
                continue
            if "name" in one.attributes:
                one.attributes["name"].immediateValue.tensor.strings.values[0] = f"{prefix}{position}"
            for output in one.outputs:
                if output.name in made:
                    output.name = prefix + output.name
            for argument in one.inputs.values():
                for binding in argument.arguments:
                    if binding.WhichOneof("binding") == "name" and binding.name in made:
                        binding.name = prefix + binding.name


def _name(operation: Any) -> str:
    names = [value for key, value in operation.attributes.items() if key == "name"]
    return str(names[0].immediateValue.tensor.strings.values[0]) if names else ""
