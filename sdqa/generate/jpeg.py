"""Whether a JPEG holds what its header claims: where data ends early, libjpeg fills in grey and Pillow says nothing.

Nothing is decoded here but by Pillow. Bits put in behind the last of a scan are never read where the scan is whole;
where it was cut, they are taken for the picture's: so a cut file shows another picture with them. Scans and restart
markers are counted too. ITU-T T.81: markers in B.1, scans in B.2.3, restart intervals in B.2.4.4, progression in G.1.1.
"""

from __future__ import annotations

import io
import re
import struct
from dataclasses import dataclass, field
from pathlib import Path

from sdqa.errors import ImageError

START, END, SCAN, RESTART_INTERVAL = 0xD8, 0xD9, 0xDA, 0xDD
FRAMES = (0xC0, 0xC1, 0xC2)
"""Of Huffman codes. An arithmetic coder may leave out what its decoder has to read, so that nothing is found out."""
PROGRESSIVE = 0xC2
BLOCK = 8
"""Samples along a side."""
COEFFICIENTS = 64
SMALL = 2**20
"""Pixels of a picture that is decoded once more: in a larger one the last unit is nothing."""
_AFTER_DATA = re.compile(rb"\xff+([^\x00\xff])")
"""A marker; 0xFF followed by zero is a byte of the data."""
_STRANGE = (bytes(range(1, 255, 2)), bytes(range(253, 0, -3)))
"""Two rows of bits: what is left of a last unit may by chance look the same with one of them. No byte is 0xFF."""
HINT = "the file is damaged or was cut short: give it whole"


@dataclass
class _Component:
    """One colour, as the frame declares it."""

    across: int
    """Blocks of it in a unit of an interleaved scan, side by side; and one upon the other."""
    down: int
    precision: list[int | None] = field(default_factory=lambda: [None] * COEFFICIENTS)
    """The lowest bit that a scan brought, of each coefficient; 0 where all are there."""


@dataclass
class _Walk:
    """What a walk over a file's markers finds."""

    width: int = 0
    height: int = 0
    components: dict[int, _Component] = field(default_factory=dict)
    progressive: bool = False
    interval: int = 0
    """Units between restart markers; 0 where there are none."""
    scan: list[int] = field(default_factory=list)
    """Components of the scan that was read last."""
    ends: list[int] = field(default_factory=list)
    """Where the data of each scan ends."""
    short: str = ""
    """What is missing by the markers alone."""


def demand_whole(path: Path) -> None:
    """Refuse a JPEG whose data ends before its picture does; damage of other kinds is for the decoder to find.

    Raises:
        ImageError: scans, or a part of one, are missing.
    """
    data = path.read_bytes()
    walk = _walked(data)
    if walk is None:
        return
    missing = walk.short or _missing_scans(walk)
    if not missing:
        pixels, chosen = _pixels(data), _STRANGE if walk.width * walk.height <= SMALL else _STRANGE[:1]
        if any(_pixels(_lengthened(data, walk.ends, bits)) != pixels for bits in chosen):
            missing = "its data ends before its last row"
    if missing:
        raise ImageError(f"the source picture cannot be read to its end: {missing}", where=str(path), hint=HINT)


def _lengthened(data: bytes, ends: list[int], bits: bytes) -> bytes:
    """The file with more bits behind each scan."""
    pieces, last = [], 0
    for end in ends:
        pieces += [data[last:end], bits]
        last = end
    return b"".join([*pieces, data[last:]])


def _pixels(data: bytes) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=("JPEG",)) as opened:
        return opened.tobytes()


def _walked(data: bytes) -> _Walk | None:
    """The first picture's markers, up to its end; None where they are not what this can judge."""
    walk, at = _Walk(), 2
    while marker := _AFTER_DATA.match(data, at):
        code, at = marker[1][0], marker.end()
        if code == END:
            return walk if walk.ends and walk.components else None
        size = int.from_bytes(data[at : at + 2], "big")
        content = data[at + 2 : at + size]
        if at + 2 > len(data) or len(content) < size - 2:
            walk.short = "it ends within a table"
            return walk
        if size < 2:
            return None
        at += size
        if code == RESTART_INTERVAL and len(content) == 2:
            walk.interval = int.from_bytes(content, "big")
        elif 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):
            if code not in FRAMES or not _frame(walk, content):
                return None
            walk.progressive = code == PROGRESSIVE
        elif code == SCAN:
            if not _scan(walk, content):
                return None
            at = _end(walk, data, at)
    return walk if walk.short else None


def _frame(walk: _Walk, content: bytes) -> bool:
    """Sizes and components; False where they are garbled."""
    if len(content) < 6 or len(content) < 6 + 3 * content[5]:
        return False
    walk.height, walk.width = struct.unpack(">HH", content[1:5])
    for at in range(6, 6 + 3 * content[5], 3):
        walk.components[content[at]] = _Component(content[at + 1] >> 4, content[at + 1] & 15)
    return all(one.across and one.down for one in walk.components.values())


def _scan(walk: _Walk, content: bytes) -> bool:
    """Take note of what a scan brings; False where that is garbled."""
    count = content[0] if content else 0
    if not count or len(content) != 4 + 2 * count:
        return False
    walk.scan = names = [content[1 + 2 * number] for number in range(count)]
    if any(name not in walk.components for name in names):
        return False
    first, last, low = content[-3], content[-2], content[-1] & 15
    for name in names:
        precision = walk.components[name].precision
        precision[first : last + 1] = [low] * len(precision[first : last + 1])
    return True


def _end(walk: _Walk, data: bytes, at: int) -> int:
    """Where the data of the scan ends that begins at a place; its restart markers are counted."""
    restarts = 0
    for marker in _AFTER_DATA.finditer(data, at):
        if 0xD0 <= marker[1][0] <= 0xD7:
            restarts += 1
            continue
        wanted = (_units(walk, walk.scan) - 1) // walk.interval if walk.interval else 0
        if restarts < wanted:
            walk.short = f"{restarts} of {wanted} restart markers are there"
        walk.ends.append(marker.start())
        return marker.start()
    walk.short = "its last scan has no end"
    return len(data)


def _units(walk: _Walk, names: list[int]) -> int:
    """Units of a scan: blocks of its only component, or of what all of them have in common."""
    widest = max(one.across for one in walk.components.values())
    tallest = max(one.down for one in walk.components.values())
    if len(names) > 1:
        return -(-walk.width // (BLOCK * widest)) * -(-walk.height // (BLOCK * tallest))
    one = walk.components[names[0]]
    across, down = -(-walk.width * one.across // widest), -(-walk.height * one.down // tallest)
    return -(-across // BLOCK) * -(-down // BLOCK)


def _missing_scans(walk: _Walk) -> str:
    """What no scan brought; empty where every coefficient is there to its last bit."""
    lacking = sum(any(bit != 0 for bit in one.precision) for one in walk.components.values())
    if not lacking:
        return ""
    what = "scans are missing" if walk.progressive else "colours are missing"
    return f"{what} of {lacking} of its {len(walk.components)} components"
