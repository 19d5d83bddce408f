"""A program's operations as plain records: for looking at, comparing, and finding the torch module behind each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdqa.errors import PackageError
from sdqa.mil.constants import Constant
from sdqa.mil.graph import Block, Node
from sdqa.mil.types import ValueType

MAX_SIDECAR_BYTES = 1 << 26
SMALL_ELEMENTS = 16
"""Constants up to this size are shown by value."""


@dataclass(frozen=True)
class OperationRecord:
    """One operation of a program."""

    name: str
    type: str
    inputs: Mapping[str, tuple[str, ...]]
    """By argument, the names of the computed values it takes."""
    outputs: tuple[str, ...]
    """The names of its results."""
    types: tuple[ValueType, ...]
    """The declared types of its results."""
    constants: Mapping[str, Any]
    """By argument: small constants by value, others as `ConstantRecord`."""
    module: str = ""
    """The torch module it came from, where known."""

    @property
    def dtype(self) -> str:
        """Element type of the first result; empty without one."""
        return self.types[0].dtype if self.types else ""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the first result, -1 where open."""
        return self.types[0].shape if self.types else ()


@dataclass(frozen=True)
class ConstantRecord:
    """A constant too large to be shown."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    stored_bytes: int
    """What it occupies in the package's files."""
    unpacked_bytes: int


def operation_records(body: Block, modules: Mapping[str, str]) -> tuple[OperationRecord, ...]:
    """Records of all operations, nested ones included, in the order of the program.

    Args:
        modules: torch modules by the name of an operation, of a value or of a weight.
    """
    return tuple(_record(node, modules) for node in body.walk())


def _record(node: Node, modules: Mapping[str, str]) -> OperationRecord:
    inputs: dict[str, tuple[str, ...]] = {}
    constants: dict[str, Any] = {}
    weights: list[str] = []
    for key, arguments in node.inputs.items():
        names = tuple(argument for argument in arguments if isinstance(argument, str))
        if names:
            inputs[key] = names
        given = [_constant(argument) for argument in arguments if isinstance(argument, Constant)]
        if given:
            constants[key] = given[0] if len(given) == 1 else given
        weights += [argument.name for argument in arguments if isinstance(argument, Constant)]
    names_of = [node.name, *(value.name for value in node.outputs), *weights]
    module = next((modules[name] for name in names_of if name in modules), "")
    return OperationRecord(
        node.name,
        node.type,
        inputs,
        tuple(value.name for value in node.outputs),
        tuple(value.type for value in node.outputs),
        constants,
        module,
    )


def _constant(constant: Constant) -> Any:
    elements = constant.type.elements
    if constant.type.kind == "tensor" and (elements is None or elements > SMALL_ELEMENTS):
        return ConstantRecord(
            constant.name, constant.type.dtype, constant.type.shape, constant.stored_bytes, constant.unpacked_bytes
        )
    value = constant.read()
    return value.tolist() if hasattr(value, "tolist") else value


def read_modules(package: Path) -> dict[str, str]:
    """The map from names to torch modules that a conversion left beside a package, or in it; empty without one.

    Raises:
        PackageError: if there is one that cannot be read.
    """
    for path in (package.with_name(f"{package.stem}.modules.json"), package / "modules.json"):
        if not path.is_file():
            continue
        try:
            if path.stat().st_size > MAX_SIDECAR_BYTES:
                raise PackageError("the map of modules is implausibly large", where=path.name)
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise PackageError(f"the map of modules cannot be read: {error}", where=path.name) from error
        if not isinstance(content, dict) or not all(isinstance(module, str) for module in content.values()):
            raise PackageError("the map of modules is not one from names to names", where=path.name)
        return content
    return {}
