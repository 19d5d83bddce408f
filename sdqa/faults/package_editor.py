"""Reading and editing an .mlpackage: weights, constants, operations, the declared interface.

Faults change a private copy of a package the way a faulty conversion would have written it. Nothing outside the
package's folder is ever read or written; a malformed package is refused before anything changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sdqa.errors import FaultError
from sdqa.faults.constant_editor import ConstantEditor
from sdqa.faults.messages import Array, names, set_name
from sdqa.mil.types import BY_CODE, BY_NAME


class PackageEditor(ConstantEditor):
    """One package under edit: its constants, and the operations that use them."""

    def name_of(self, operation: Any) -> str:
        """An operation's own name, as errors and diagnoses give it."""
        if "name" in operation.attributes:
            strings = operation.attributes["name"].immediateValue.tensor.strings.values
            if strings:
                return str(strings[0])
        return str(operation.outputs[0].name)

    def inputs_of(self, operation: Any, argument: str) -> list[str]:
        """The names bound to an argument."""
        return [binding.name for binding in operation.inputs[argument].arguments]

    def all_inputs(self, operation: Any) -> set[str]:
        """The names bound to any argument."""
        return set(names(operation))

    def number_like(self, number: float, operation: Any, argument: str) -> str:
        """A new scalar constant of the element type of an operation's argument; returns its name."""
        stored = BY_NAME[self.dtype_of(self.inputs_of(operation, argument)[0])].stored
        return self.constant(np.array(number, stored), before=operation)

    def insert(self, kind: str, inputs: Mapping[str, str | Sequence[str]], like: str, *, before: Any) -> str:
        """A new operation before another; returns its result's name, whose type is that of the value `like`."""
        name = self._new_name(kind)
        value_type = self.type_of(like)
        made = self._place(before)
        made.type = kind
        for argument, given in inputs.items():
            self.bind(made, argument, *([given] if isinstance(given, str) else given))
        made.outputs.add(name=name).type.CopyFrom(value_type)
        set_name(made, name)
        return name

    def insert_after(self, value: str, kind: str, **constants: Array | float | int | str | Sequence[int]) -> str:
        """Put an operation `kind(x=value, **constants)` behind a value, for everybody who uses it.

        Python floats take the element type of the value.
        """
        users = [operation for operation in self.operations() if value in names(operation)]
        if not users:
            raise FaultError(f"nothing uses {value!r}", where=self.folder.name)
        number = BY_NAME[self.dtype_of(value)].stored
        given = {
            name: self.constant(
                np.array(constant, number) if isinstance(constant, float) else constant, before=users[0]
            )
            for name, constant in constants.items()
        }
        made = self.insert(kind, {"x": value, **given}, value, before=users[0])
        for user in users:
            self.rename_inputs(user, {value: made})
        return made

    def rename_inputs(self, operation: Any, names: Mapping[str, str]) -> None:
        """Rebind every argument of an operation that has one of these names."""
        for argument in operation.inputs.values():
            for binding in argument.arguments:
                if binding.WhichOneof("binding") == "name" and binding.name in names:
                    binding.name = names[binding.name]

    def type_of(self, value: str) -> Any:
        """The declared type of an input or a computed value."""
        for declared in self.function.inputs:
            if declared.name == value:
                return declared.type
        operation = self.definition(value)
        return next(output.type for output in operation.outputs if output.name == value)

    def dtype_of(self, value: str) -> str:
        """The declared element type of a value: "fp16", "fp32", …"""
        return BY_CODE[self.type_of(value).tensorType.dataType].name

    def shape_of(self, value: str) -> tuple[int, ...]:
        """The declared shape of a value; -1 where open."""
        return tuple(
            d.constant.size if d.WhichOneof("dimension") == "constant" else -1
            for d in self.type_of(value).tensorType.dimensions
        )

    def swap_last_axes(self, value: str) -> None:
        """Exchange the last two dimensions that a computed value is declared to have."""
        first, second = self.type_of(value).tensorType.dimensions[-2:]
        first.constant.size, second.constant.size = second.constant.size, first.constant.size
