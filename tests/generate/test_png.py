"""PNG files whose rows end before their headers say."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdqa.errors import ImageError
from sdqa.generate.pictures import read_picture
from sdqa.generate.png import PASSES, demand_all_rows, row_bytes


def write_png(path: Path, rows: bytes, *, width: int, height: int, interlaced: int = 0, pieces: int = 1) -> Path:
    """A PNG of 8-bit RGB whose packed data are these rows, complete or not, and end cleanly."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header, packed = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, interlaced), zlib.compress(rows)
    step = -(-len(packed) // pieces)
    body = [chunk(b"IDAT", packed[at : at + step]) for at in range(0, len(packed), step)]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(body) + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize("pieces", [1, 3])
@pytest.mark.parametrize("interlaced", [0, 1])
def test_rows_that_are_missing_are_refused(tmp_path: Path, interlaced: int, pieces: int) -> None:
    width, height = 33, 21
    total = row_bytes(struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, interlaced))
    noise = np.random.default_rng(0).integers(0, 256, total, np.uint8)
    rows = bytearray(noise.tobytes())
    at = 0
    if interlaced:
        sizes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in PASSES]
    else:
        sizes = [(width, height)]
    for columns, lines in sizes:  # every row's filter is "none"
        for _ in range(lines):
            rows[at] = 0
            at += 1 + 3 * columns
    assert at == total
    sides = {"width": width, "height": height, "interlaced": interlaced, "pieces": pieces}
    whole = write_png(tmp_path / "whole.png", bytes(rows), **sides)
    read_picture(whole, 16)
    for kept in (total // 2, total - 1):
        with pytest.raises(ImageError, match=rf"to its end: {kept} of the {total} bytes") as caught:
            read_picture(write_png(tmp_path / "short.png", bytes(rows[:kept]), **sides), 16)
        assert "cut short" in caught.value.hint


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("side", [1, 7, 64])
def test_what_pillow_writes_is_whole(tmp_path: Path, mode: str, side: int) -> None:
    Image.new(mode, (side, side + 2)).save(tmp_path / "p.png")
    demand_all_rows(tmp_path / "p.png")


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(b"\xff\xd8\xff and more")
    demand_all_rows(tmp_path / "p.png")
