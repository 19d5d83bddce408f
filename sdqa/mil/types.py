"""The data types and value types of MIL."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

OPEN = -1
"""A dimension that the package leaves open."""


@dataclass(frozen=True)
class DataType:
    """One element type: how it is stored, and which torch dtype carries it during execution."""

    name: str
    bits: int
    stored: np.dtype[Any] | None
    """numpy dtype of the unpacked values; None for text."""
    carried_as: str
    """torch's name of the dtype that carries the values; fp16 is carried as float32 except in native precision."""
    blob_code: int = 0
    """The code a weight file's metadata gives this type; 0 where weight files cannot hold it."""
    signed: bool = True

    @property
    def carrier(self) -> torch.dtype | None:
        """The torch dtype that carries the values, None for text. Reading a package asks for none."""
        if not self.carried_as:
            return None
        import torch

        found: torch.dtype = getattr(torch, self.carried_as)
        return found

    @property
    def packed(self) -> bool:
        """Whether several values share a byte in files."""
        return self.bits < 8


def _type(name: str, bits: int, stored: Any, carried_as: str, blob: int = 0, signed: bool = True) -> DataType:
    return DataType(name, bits, None if stored is None else np.dtype(stored), carried_as, blob, signed)


BY_CODE: dict[int, DataType] = {
    1: _type("bool", 8, np.bool_, "bool"),
    2: _type("string", 8, None, ""),
    10: _type("fp16", 16, np.float16, "float32", 1),
    11: _type("fp32", 32, np.float32, "float32", 2),
    12: _type("fp64", 64, np.float64, "float64"),
    21: _type("int8", 8, np.int8, "int8", 4),
    22: _type("int16", 16, np.int16, "int16", 6),
    23: _type("int32", 32, np.int32, "int32", 14),
    24: _type("int64", 64, np.int64, "int64"),
    25: _type("int4", 4, np.int8, "int8", 8),
    31: _type("uint8", 8, np.uint8, "uint8", 3, signed=False),
    32: _type("uint16", 16, np.uint16, "int32", 7, signed=False),
    33: _type("uint32", 32, np.uint32, "int64", 15, signed=False),
    34: _type("uint64", 64, np.uint64, "int64", signed=False),
    35: _type("uint4", 4, np.uint8, "uint8", 11, signed=False),
    36: _type("uint2", 2, np.uint8, "uint8", 10, signed=False),
    37: _type("uint1", 1, np.uint8, "uint8", 9, signed=False),
    38: _type("uint6", 6, np.uint8, "uint8", 13, signed=False),
    39: _type("uint3", 3, np.uint8, "uint8", 12, signed=False),
}
"""By the protobuf enumeration `DataType`; bfloat16 and the 8-bit floats, which no operation takes, are absent."""

BY_NAME: dict[str, DataType] = {data_type.name: data_type for data_type in BY_CODE.values()}


@dataclass(frozen=True, slots=True)
class ValueType:
    """The type of a value: a tensor, or one of the few containers MIL has."""

    kind: str
    """"tensor", "list", "tuple", "dictionary" or "state"."""
    dtype: str
    """Element type; empty where there is none."""
    shape: tuple[int, ...] = ()
    """Tensor or state: the dimensions, -1 where open."""
    any_rank: bool = False
    """Whether not even the rank is known."""

    @property
    def elements(self) -> int | None:
        """How many elements a tensor of this type has, None where a dimension is open."""
        return None if self.any_rank or OPEN in self.shape else math.prod(self.shape)

    @property
    def element(self) -> DataType:
        """The element type's record."""
        return BY_NAME[self.dtype]

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether a tensor of the given shape is of this type."""
        if self.any_rank:
            return True
        return len(shape) == len(self.shape) and all(
            want in (OPEN, got) for want, got in zip(self.shape, shape, strict=True)
        )

    def __str__(self) -> str:
        if self.kind not in ("tensor", "state"):
            return self.kind
        sizes = "…" if self.any_rank else " × ".join("?" if size == OPEN else str(size) for size in self.shape)
        return f"{self.dtype}[{sizes}]"
