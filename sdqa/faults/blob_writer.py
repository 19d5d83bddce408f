"""Writing weight files: blobs changed in place or appended, everything else left byte for byte.

Format: a 64-byte header (count and version, 32 bits each), then for each blob a 64-byte record (sentinel, data type,
size in bytes, offset of the data, padding in bits) and its data, both aligned to 64 bytes.
"""

from __future__ import annotations

import struct
from pathlib import Path

from sdqa.errors import PackageError
from sdqa.mil.blob import SENTINEL
from sdqa.store import write_atomically

ALIGNMENT = 64
_HEADER = struct.Struct("<II")
_RECORD = struct.Struct("<IIQQQ")


class BlobWriter:
    """The bytes of one weight file, and what is to become of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = bytearray(path.read_bytes())
        if len(self.data) < ALIGNMENT:
            raise PackageError(f"the weight file has {len(self.data)} bytes, less than its header", where=path.name)
        self.changed = False

    def overwrite(self, record_offset: int, values: bytes) -> None:
        """Replace a blob's data by as many bytes.

        Raises:
            PackageError: there is no blob at this offset, or its size differs.
        """
        if not 0 <= record_offset <= len(self.data) - ALIGNMENT:
            raise PackageError(f"offset {record_offset} lies outside the weight file", where=self.path.name)
        sentinel, _code, size, start, _padding = _RECORD.unpack_from(self.data, record_offset)
        if sentinel != SENTINEL:
            raise PackageError(f"no blob record at offset {record_offset}", where=self.path.name)
        if size != len(values) or start + size > len(self.data):
            raise PackageError(
                f"the blob at offset {record_offset} has {size} bytes, not {len(values)}", where=self.path.name
            )
        self.data[start : start + size] = values
        self.changed = True

    def append(self, code: int, values: bytes) -> int:
        """Add a blob at the end; returns its record's offset, which the program refers to."""
        self._align()
        offset = len(self.data)
        self.data += _RECORD.pack(SENTINEL, code, len(values), offset + ALIGNMENT, 0).ljust(ALIGNMENT, b"\0")
        self.data += values
        self._align()
        count, version = _HEADER.unpack_from(self.data, 0)
        _HEADER.pack_into(self.data, 0, count + 1, version)
        self.changed = True
        return offset

    def save(self) -> None:
        """Write the file anew: a hard link to another package's weights is never written through."""
        if self.changed:
            write_atomically(self.path, bytes(self.data))

    def _align(self) -> None:
        self.data += b"\0" * (-len(self.data) % ALIGNMENT)
