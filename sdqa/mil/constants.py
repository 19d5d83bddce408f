"""Constants: where each comes from, and its values when asked for.

Nothing is read or decompressed before it is used. A constant is immediate (inside the model message), stored (a blob
of a weight file) or unpacked (the result of a `constexpr_*` operation on other constants).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from sdqa.errors import ExecutionError, PackageError, SdqaError
from sdqa.mil import registry
from sdqa.mil.blob import WeightFile
from sdqa.mil.capacity import refuse_beyond
from sdqa.mil.types import ValueType

Literal: TypeAlias = "np.ndarray[Any, Any] | str | list[Any] | dict[Any, Any]"
"""A constant's values: an array, text, or MIL's containers of these."""


@dataclass(slots=True, eq=False)
class Constant:
    """A value known before the program runs."""

    name: str
    """Empty for a value written directly into an operation's argument."""
    type: ValueType

    def read(self) -> Literal:
        """The values."""
        raise AssertionError("a constant is one of its kinds")

    def forget(self) -> None:
        """Give back the memory that reading it took from the system, where that can be had again."""

    @property
    def stored_bytes(self) -> int:
        """What it occupies in the package's files."""
        return 0

    @property
    def unpacked_bytes(self) -> int:
        """What its values occupy in the declared dtype."""
        elements = self.type.elements
        if self.type.kind != "tensor" or elements is None or self.type.element.stored is None:
            return 0
        return elements * self.type.element.stored.itemsize


@dataclass(slots=True, eq=False)
class Immediate(Constant):
    """Values inside the model message."""

    value: Literal

    def read(self) -> Literal:
        """The values; not to be written to."""
        return self.value


@dataclass(slots=True, eq=False)
class Stored(Constant):
    """Values in a weight file."""

    file: WeightFile
    offset: int

    def read(self) -> Literal:
        """A view of the mapped file, or a copy where values are packed."""
        return self.file.read(self.offset, self.type.element, self.type.shape)

    def forget(self) -> None:
        """Drop the blob's pages from memory; the next reading maps them again."""
        self.file.forget(self.offset, self.type.element, self.type.shape)

    @property
    def stored_bytes(self) -> int:
        """The blob's size."""
        return ((self.type.elements or 0) * self.type.element.bits + 7) // 8


@dataclass(slots=True, eq=False)
class Unpacking:
    """A `constexpr_*` operation: how some constants are made from others."""

    type: str
    name: str
    arguments: dict[str, Constant]
    where: str

    def run(self) -> tuple[np.ndarray[Any, Any], ...]:
        """Its results.

        Raises:
            ExecutionError: if the operation fails on its arguments.
        """
        implementation = registry.unpacker(self.type)
        if implementation is None:
            raise PackageError(f"{self.type} is not known", where=self.where)
        try:
            results = implementation(**{name: constant.read() for name, constant in self.arguments.items()})
        except SdqaError:
            raise
        except MemoryError as error:
            raise ExecutionError(f"not enough memory to unpack with {self.type}", where=self.where) from error
        except registry.FAILURES as error:
            raise ExecutionError(
                f"{self.type} cannot unpack its arguments: {type(error).__name__}: {error}", where=self.where
            ) from error
        return results if isinstance(results, tuple) else (results,)


@dataclass(slots=True, eq=False)
class Unpacked(Constant):
    """One result of a `constexpr_*` operation."""

    source: Unpacking
    index: int

    def read(self) -> Literal:
        """The values, unpacked anew."""
        try:
            refuse_beyond(self.type.elements or 0)
        except ValueError as error:
            raise ExecutionError(f"it cannot be unpacked: {error}", where=self.source.where) from error
        results = self.source.run()
        if self.index >= len(results):
            raise ExecutionError(f"{self.source.type} gave {len(results)} results", where=self.source.where)
        values = results[self.index]
        if not self.type.fits(values.shape):
            raise ExecutionError(
                f"{self.source.type} gave the shape {list(values.shape)}, declared is {self.type}",
                where=self.source.where,
            )
        return values

    @property
    def stored_bytes(self) -> int:
        """What its arguments occupy in files; for several results, attributed to the first."""
        return 0 if self.index else sum(constant.stored_bytes for constant in self.source.arguments.values())
