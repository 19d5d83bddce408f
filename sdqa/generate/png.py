"""What Pillow does not tell of a PNG: rows that are missing and filled in, samples of 16 bits, what its colours are.

W3C, Portable Network Graphics (third edition), 11.3.2: of several statements on colours cICP counts before iCCP, that
before sRGB, that before gAMA and cHRM.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sdqa.errors import ImageError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples of a pixel, by the header's type of colour."""
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Of an interlaced picture: first column and row, and the steps between columns and rows."""
APPLES = b"CgBI"
PIECE = 2**20
"""Bytes that are unpacked at once."""
HINT = "the file is damaged or was cut short: give it whole"
GAMMA_UNIT = 100000
SRGB_GAMMA, SRGB_GAMMA_SPREAD = 45455, 500
"""What stands for sRGB in gAMA; writers round it differently."""
SRGB_PRIMARIES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
"""In cHRM: x and y of white, red, green and blue."""
PRIMARIES_SPREAD = 500
GAMMAS = (0.1, 10.0)
"""What a picture may be made for; more or less would show black or white."""
SRGB_CODES = (1, 13, 0, 1)
"""In cICP: BT.709's primaries, which are sRGB's, sRGB's transfer, RGB, full range (ITU-T H.273)."""
VIDEO_TRANSFERS = (1, 6, 14, 15)
"""Numbers in cICP that all mean BT.709's transfer."""
MAX_COLOUR_BYTES = 64
"""Of a chunk that is read here."""


@dataclass(frozen=True)
class PngColours:
    """What a PNG states about its samples, as far as that is not for Pillow to act on."""

    depth: int = 8
    """Bits of a sample."""
    gamma: float | None = None
    """Exponent of light to sample; None where nothing but sRGB or a profile is meant."""
    foreign: str = ""
    """Primaries or a transfer that are not sRGB's, in words."""
    video: bool = False
    """Whether samples follow BT.709's transfer."""
    overrides_profile: bool = False
    """Whether code points (cICP) are stated, so that a profile beside them does not count."""


def demand_all_rows(path: Path) -> None:
    """Refuse a PNG whose packed data ends before its last row; damage of other kinds is for the decoder to find.

    Raises:
        ImageError: rows are missing, or it is of a kind that only Apple's systems read.
    """
    with path.open("rb") as file:
        if file.read(len(SIGNATURE)) != SIGNATURE:
            return
        chunks = _chunks(file)
        kind, header = next(chunks, (b"", b""))
        if kind == APPLES:
            what = "the source picture is a PNG of Apple's own kind (CgBI): its red and blue are exchanged"
            raise ImageError(what, where=str(path), hint="give the picture that Xcode made it of")
        if kind != b"IHDR" or len(header) != 13 or header[9] not in CHANNELS:
            return
        wanted = row_bytes(header)
        found = _unpacked((data for kind, data in chunks if kind == b"IDAT"), wanted)
    if found is not None and found < wanted:
        what = f"the source picture cannot be read to its end: {found} of the {wanted} bytes of its rows are there"
        raise ImageError(what, where=str(path), hint=HINT)


def read_colours(path: Path) -> PngColours:
    """What a file states before its first row; of a file that is garbled, as far as it goes."""
    found: dict[bytes, bytes] = {}
    with path.open("rb") as file:
        if file.read(len(SIGNATURE)) != SIGNATURE:
            return PngColours()
        while len(head := file.read(8)) == 8:
            size, kind = struct.unpack(">I4s", head)
            if kind in (b"IDAT", b"IEND"):
                break
            found.setdefault(kind, file.read(min(size, MAX_COLOUR_BYTES)))
            file.seek(size - min(size, MAX_COLOUR_BYTES) + 4, 1)
    header = found.get(b"IHDR", b"")
    if len(header) != 13:
        return PngColours()
    codes = tuple(found.get(b"cICP", b""))
    if codes:
        video = codes[0] == SRGB_CODES[0] and codes[2:] == SRGB_CODES[2:] and codes[1] in VIDEO_TRANSFERS
        points = f"code points (cICP) {', '.join(map(str, codes))}"
        foreign = "" if video or codes == SRGB_CODES else points
        return PngColours(header[8], None, foreign, video, overrides_profile=True)
    gamma, foreign = _stated(found)
    return PngColours(header[8], gamma, foreign)


def _stated(found: dict[bytes, bytes]) -> tuple[float | None, str]:
    """Gamma and foreign colours, by the statement that counts where there are no code points."""
    if b"iCCP" in found or b"sRGB" in found:
        return None, ""
    points = _numbers(found.get(b"cHRM", b""), len(SRGB_PRIMARIES))
    spread = max((abs(have - want) for have, want in zip(points, SRGB_PRIMARIES, strict=False)), default=0)
    foreign = "primaries (cHRM) that are not sRGB's" if spread > PRIMARIES_SPREAD else ""
    gammas = _numbers(found.get(b"gAMA", b""), 1)
    if not gammas or not gammas[0] or abs(gammas[0] - SRGB_GAMMA) <= SRGB_GAMMA_SPREAD:
        return None, foreign
    gamma = gammas[0] / GAMMA_UNIT
    plausible = GAMMAS[0] <= gamma <= GAMMAS[1]
    return (gamma, foreign) if plausible else (None, foreign or f"a gamma (gAMA) of {gamma:g}")


def _numbers(content: bytes, count: int) -> tuple[int, ...]:
    """Numbers of four bytes; none where the chunk is not there, or is of another size."""
    return struct.unpack(f">{count}I", content) if len(content) == 4 * count else ()


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
