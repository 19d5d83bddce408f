"""Whether a PNG holds all of the rows that its header claims: Pillow fills in those that are not there."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from sdqa.errors import ImageError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples of a pixel, by the header's type of colour."""
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Of an interlaced picture: first column and row, and the steps between columns and rows."""
PIECE = 2**20
"""Bytes that are unpacked at once."""
HINT = "the file is damaged or was cut short: give it whole"


def demand_all_rows(path: Path) -> None:
    """Refuse a PNG whose packed data ends before its last row; damage of other kinds is for the decoder to find.

    Raises:
        ImageError: rows are missing.
    """
    with path.open("rb") as file:
        if file.read(len(SIGNATURE)) != SIGNATURE:
            return
        chunks = _chunks(file)
        kind, header = next(chunks, (b"", b""))
        if kind != b"IHDR" or len(header) != 13 or header[9] not in CHANNELS:
            return
        wanted = row_bytes(header)
        found = _unpacked((data for kind, data in chunks if kind == b"IDAT"), wanted)
    if found is not None and found < wanted:
        what = f"the source picture cannot be read to its end: {found} of the {wanted} bytes of its rows are there"
        raise ImageError(what, where=str(path), hint=HINT)


def row_bytes(header: bytes) -> int:
    """Bytes of a picture's rows, unpacked: each has one for its filter; by the 13 bytes of its header."""
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    bits = depth * CHANNELS[colour]
    passes = PASSES if interlaced else ((0, 0, 1, 1),)
    total = 0
    for left, top, across, down in passes:
        columns, rows = -(-max(0, width - left) // across), -(-max(0, height - top) // down)
        total += rows * (1 + (columns * bits + 7) // 8) if columns else 0
    return total


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Kinds and contents; the last may be cut short."""
    while len(head := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return
        yield kind, file.read(size)
        file.seek(4, 1)  # the checksum, which the decoder looks at


def _unpacked(pieces: Iterator[bytes], enough: int) -> int | None:
    """Bytes that packed pieces hold, counted until they are enough; None where they are garbled."""
    unpacker, found = zlib.decompressobj(), 0
    try:
        for piece in pieces:
            rest = piece
            while rest and not unpacker.eof and found < enough:
                found += len(unpacker.decompress(rest, PIECE))
                rest = unpacker.unconsumed_tail
    except zlib.error:
        return None
    return found + (len(unpacker.flush()) if not unpacker.eof and found < enough else 0)
