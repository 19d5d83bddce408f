"""Weight files: memory-mapped, every offset and size checked before it is used.

A weight file has a 64-byte header (count and version, 32 bits each), then for each blob a 64-byte record (sentinel,
data type, size in bytes, offset of the data, padding in bits), then the data. Types below 8 bits are packed, low bits
first.
"""

from __future__ import annotations

import math
import mmap
import struct
from pathlib import Path
from typing import Any

import numpy as np

from sdqa.errors import PackageError
from sdqa.foreign import recognise
from sdqa.mil.types import DataType

SENTINEL = 0xDEADBEEF
_RECORD = struct.Struct("<IIQQQ")
_RECORD_BYTES = 64


class WeightFile:
    """One weight file of a package, mapped copy-on-write so that torch may view it."""

    def __init__(self, path: Path, label: str) -> None:
        self.path, self.label = path, label
        foreign = recognise(path)
        if foreign is not None:
            raise PackageError(f"the weight file is {foreign.what}", where=label, hint=foreign.hint)
        self.size = path.stat().st_size
        if self.size < _RECORD_BYTES:
            raise PackageError(f"the weight file has {self.size} bytes, less than its header", where=label)
        self._bytes = np.memmap(path, dtype=np.uint8, mode="c")
        self._view = self._bytes.data

    def locate(self, offset: int, data_type: DataType, shape: tuple[int, ...]) -> tuple[int, int]:
        """Check a blob's record against the type and shape the program gives it.

        Args:
            offset: position of the blob's record in the file.

        Returns:
            Start and length of its data, in bytes.

        Raises:
            PackageError: if the record is not one, or disagrees with the program, or points outside the file.
        """
        if offset < 0 or offset + _RECORD_BYTES > self.size:
            raise PackageError(
                f"a constant lies at offset {offset}, past the end ({self.size} bytes)", where=self.label
            )
        sentinel, code, size, start, _padding = _RECORD.unpack_from(self._view, offset)
        if sentinel != SENTINEL:
            raise PackageError(f"no blob record at offset {offset} (found 0x{sentinel:08x})", where=self.label)
        if code != data_type.blob_code:
            raise PackageError(
                f"the blob at offset {offset} has type code {code}, the program says {data_type.name}", where=self.label
            )
        expected = (math.prod(shape) * data_type.bits + 7) // 8
        if size != expected:
            raise PackageError(
                f"the blob at offset {offset} has {size} bytes, {data_type.name}{list(shape)} needs {expected}",
                where=self.label,
            )
        if start + size > self.size:
            raise PackageError(
                f"the blob at offset {offset} ends at byte {start + size}, the file at {self.size}", where=self.label
            )
        return start, size

    def read(self, offset: int, data_type: DataType, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        """A blob's values: a view of the mapped file, or a copy where values are packed."""
        start, size = self.locate(offset, data_type, shape)
        return decode(self._bytes[start : start + size], data_type, shape)

    def forget(self, offset: int, data_type: DataType, shape: tuple[int, ...]) -> None:
        """Drop the whole pages of a blob from memory, where the system can; they are read again when needed."""
        mapped = getattr(self._bytes, "_mmap", None)
        if mapped is None or not hasattr(mmap, "MADV_DONTNEED"):
            return
        start, size = self.locate(offset, data_type, shape)
        first = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
        length = (start + size) // mmap.PAGESIZE * mmap.PAGESIZE - first
        if length > 0:
            mapped.madvise(mmap.MADV_DONTNEED, first, length)


def decode(raw: np.ndarray[Any, Any], data_type: DataType, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Bytes to values of the given type and shape.

    Raises:
        ValueError: if there are not as many bytes as the shape needs.
    """
    count = math.prod(shape)
    if data_type.stored is None:
        raise ValueError("text cannot be stored as bytes")
    if data_type.packed:
        return unpack_bits(raw, data_type.bits, count, signed=data_type.signed).reshape(shape)
    if raw.size != count * data_type.stored.itemsize:
        raise ValueError(f"{raw.size} bytes for {count} values of {data_type.name}")
    if raw.ctypes.data % data_type.stored.itemsize:
        raw = raw.copy()
    return np.asarray(raw).view(data_type.stored).reshape(shape)


def unpack_bits(raw: np.ndarray[Any, Any], bits: int, count: int, *, signed: bool = False) -> np.ndarray[Any, Any]:
    """Unpack `count` values of `bits` bits each, low bits first, to uint8 or (signed) int8.

    Raises:
        ValueError: if there are too few bytes.
    """
    raw = np.asarray(raw, np.uint8)
    if raw.size * 8 < count * bits:
        raise ValueError(f"{raw.size} bytes for {count} values of {bits} bits")
    raw = raw[: (count * bits + 7) // 8]
    if bits == 8:
        values = raw
    elif 8 % bits == 0:
        shifts = np.arange(0, 8, bits, dtype=np.uint8)
        values = ((raw[:, None] >> shifts) & np.uint8((1 << bits) - 1)).reshape(-1)[:count]
    else:
        single = np.unpackbits(raw, count=count * bits, bitorder="little").reshape(count, bits)
        values = (single << np.arange(bits, dtype=np.uint8)).sum(axis=1, dtype=np.uint8)
    if not signed:
        return values
    wide = values.astype(np.int16)
    return np.where(wide >= 1 << (bits - 1), wide - (1 << bits), wide).astype(np.int8)
