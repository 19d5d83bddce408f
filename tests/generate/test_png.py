"""PNG files whose rows end before their headers say, and what they state of their colours."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from sdqa.errors import ImageError
from sdqa.generate.pictures import read_picture
from sdqa.generate.png import GAMMA_UNIT, PASSES, PngColours, demand_all_rows, read_colours, row_bytes


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


GREYS = np.repeat(np.arange(256, dtype=np.uint8)[None], 256, axis=0)
SRGB_CHRM = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
P3_CHRM = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


def with_chunks(path: Path, *chunks: tuple[bytes, bytes], picture: Image.Image | None = None) -> Path:
    """A PNG with chunks behind its header."""
    (picture or Image.fromarray(np.dstack([GREYS] * 3))).save(path)
    data = path.read_bytes()
    packed = [
        struct.pack(">I", len(one)) + kind + one + struct.pack(">I", zlib.crc32(kind + one)) for kind, one in chunks
    ]
    path.write_bytes(data[:33] + b"".join(packed) + data[33:])
    return path


@pytest.mark.parametrize(
    "chunks",
    [
        [(b"gAMA", struct.pack(">I", 45455))],
        [(b"gAMA", struct.pack(">I", 45455)), (b"cHRM", SRGB_CHRM)],
        [(b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 100000)), (b"cHRM", P3_CHRM)],
        [(b"cICP", bytes([1, 13, 0, 1])), (b"gAMA", struct.pack(">I", 100000))],
        [(b"gAMA", struct.pack(">I", 0))],
    ],
)
def test_what_is_srgb_stays_as_it_is(tmp_path: Path, chunks: list[tuple[bytes, bytes]]) -> None:
    found = read_picture(with_chunks(tmp_path / "p.png", *chunks), 256)
    np.testing.assert_array_equal(found.pixels[:, :, 0], GREYS)
    assert found.remarks == ()


@pytest.mark.parametrize("gamma", [100000, 55556, 40000])
def test_another_gamma_is_converted_and_said(tmp_path: Path, gamma: int) -> None:
    """By the formula of IEC 61966-2-1."""
    path = with_chunks(tmp_path / "p.png", (b"gAMA", struct.pack(">I", gamma)))
    found = read_picture(path, 256)
    light = (np.arange(256) / 255) ** (GAMMA_UNIT / gamma)
    low, high = 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055
    np.testing.assert_allclose(found.pixels[0, :, 1], 255 * np.where(light <= 0.0031308, low, high), atol=0.51)
    assert found.remarks == (f"has the gamma {gamma / GAMMA_UNIT:.4g} (gAMA): converted to sRGB",)


@pytest.mark.parametrize(
    ("chunk", "words"),
    [
        ((b"cHRM", P3_CHRM), "primaries .cHRM. that are not sRGB's"),
        ((b"cICP", bytes([9, 16, 0, 1])), "cICP. 9, 16, 0, 1"),
        ((b"cICP", bytes([12, 13, 0, 1])), "cICP. 12, 13, 0, 1"),
        ((b"gAMA", struct.pack(">I", 1)), "a gamma .gAMA. of 1e-05"),
        ((b"gAMA", struct.pack(">I", 2**31 - 1)), "a gamma .gAMA. of 21474"),
    ],
)
def test_colours_that_are_not_converted_are_refused(tmp_path: Path, chunk: tuple[bytes, bytes], words: str) -> None:
    with pytest.raises(ImageError, match=words):
        read_picture(with_chunks(tmp_path / "p.png", chunk), 32)


def test_bt709_is_converted_and_a_profile_behind_code_points_does_not_count(tmp_path: Path) -> None:
    found = read_picture(with_chunks(tmp_path / "p.png", (b"cICP", bytes([1, 1, 0, 1]))), 256)
    samples = np.arange(256) / 255
    light = np.where(samples < 0.081, samples / 4.5, ((samples + 0.099) / 1.099) ** (1 / 0.45))
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(found.pixels[0, :, 1], 255 * srgb, atol=0.51)
    assert found.remarks == ("has the transfer of BT.709 (cICP): converted to sRGB",)
    profile = (b"iCCP", b"grey\0\0" + zlib.compress(ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()))
    found = read_picture(with_chunks(tmp_path / "p.png", (b"cICP", bytes([1, 13, 0, 1])), profile), 256)
    np.testing.assert_array_equal(found.pixels[:, :, 0], GREYS)
    assert "the code points count" in found.remarks[0]
    with pytest.raises(ImageError, match="count before its colour profile") as caught:
        read_picture(with_chunks(tmp_path / "p.png", (b"cICP", bytes([9, 16, 0, 1])), profile), 256)
    assert caught.value.hint.startswith("take the chunk cICP out")
    with pytest.raises(ImageError, match=r"cICP\) 1, 13, 0, 0") as caught:
        read_picture(with_chunks(tmp_path / "p.png", (b"cICP", bytes([1, 13, 0, 0]))), 256)
    assert caught.value.hint == "save it in sRGB, without the chunk cICP"


def test_what_emptied_a_picture_is_named(tmp_path: Path) -> None:
    wide = Image.new("RGB", (96, 32), "red")
    wide.putpixel((0, 0), (0, 0, 255))
    wide.save(tmp_path / "wide.png")
    clear = Image.effect_noise((32, 32), 60).convert("RGBA")
    clear.putalpha(0)
    clear.save(tmp_path / "clear.png")
    with pytest.raises(ImageError, match="cropped to its middle, 32×32 of 96×32, the source picture shows nothing"):
        read_picture(tmp_path / "wide.png", 16)
    with pytest.raises(ImageError, match="its transparent pixels on black, the source picture shows nothing"):
        read_picture(tmp_path / "clear.png", 16, background="black")
    (tmp_path / "garbled.png").write_bytes((tmp_path / "wide.png").read_bytes()[:60] + b"garbled" * 9)
    with pytest.raises(ImageError) as caught:
        read_picture(tmp_path / "garbled.png", 16)
    assert "give a PNG" not in caught.value.hint


@pytest.mark.parametrize(("colour", "channels"), [(2, 3), (6, 4), (4, 2)])
def test_sixteen_bits_a_colour_are_scaled_and_said(tmp_path: Path, colour: int, channels: int) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (16, 16, channels), np.uint16)
    values[:, :, -1] |= 0xFF00 if colour in (4, 6) else 0
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    path = tmp_path / "p.png"
    write_png(path, rows, width=16, height=16)
    path.write_bytes(rebuilt(path.read_bytes(), depth=16, colour=colour))
    assert read_colours(path) == PngColours(depth=16)
    found = read_picture(path, 16)
    np.testing.assert_allclose(found.pixels[:, :, 0], values[:, :, 0] / 257, atol=1)
    assert found.remarks == ("is of 16 bits a colour: the upper 8 are taken",)


def test_a_transparent_colour_of_sixteen_bits_is_refused(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (16, 16, 3), np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    path = write_png(tmp_path / "p.png", rows, width=16, height=16)
    data = rebuilt(path.read_bytes(), depth=16, colour=2)
    key = values[0, 0].astype(">u2").tobytes()
    chunk = struct.pack(">I", 6) + b"tRNS" + key + struct.pack(">I", zlib.crc32(b"tRNS" + key))
    path.write_bytes(data[:33] + chunk + data[33:])
    with pytest.raises(ImageError, match="transparent colour of 16 bits"):
        read_picture(path, 16)


def rebuilt(data: bytes, *, depth: int, colour: int) -> bytes:
    """A PNG with another depth and type of colour in its header."""
    header = data[12:24] + bytes([depth, colour]) + data[26:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


def test_a_png_of_apples_own_kind_is_named(tmp_path: Path) -> None:
    path = with_chunks(tmp_path / "p.png")
    data = path.read_bytes()
    chunk = struct.pack(">I", 4) + b"CgBI" + b"P\0 \2" + struct.pack(">I", zlib.crc32(b"CgBIP\0 \2"))
    path.write_bytes(data[:8] + chunk + data[8:])
    with pytest.raises(ImageError, match="of Apple's own kind"):
        read_picture(path, 32)


def test_sixteen_bits_that_hold_fewer_are_said(tmp_path: Path) -> None:
    Image.fromarray(np.arange(4096, dtype=np.uint16).reshape(64, 64)).save(tmp_path / "p.png")
    assert read_picture(tmp_path / "p.png", 64).remarks == (
        "is 16-bit grey: scaled to 8 bits, its brightest is 4095 of 65535",
    )
