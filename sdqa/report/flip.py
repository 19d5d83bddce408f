"""How large the difference of a failing case seems to an eye: FLIP's map, where its package is installed.

FLIP (Andersson, Nilsson, Akenine-Möller, Oskarsson, Åström and Fairchild 2020, doi:10.1145/3406183) says of each pixel
how different two pictures seem to somebody who flips between them: 0 not at all, 1 as much as can be. It is made for
people when a report is made, and decides nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO

from PIL import Image

from sdqa.report.cases import CaseCard, CaseLane, rank
from sdqa.report.pictures import Album, PictureFile

PIXELS_PER_DEGREE = 67.02
"""The viewing conditions that its authors state: 0.7 m from a screen that is 0.7 m and 3840 pixels wide."""
MAX_PIXELS = 2**21
"""Of all maps of a report together: eight of 512 × 512, about four seconds of one core."""
QUALITY = 85  # of WebP


@dataclass(frozen=True)
class FlipMap:
    """The map of one case in one lane."""

    data: bytes  # WebP; a pixel's grey is 255 times its FLIP
    width: int
    height: int
    mean: float
    largest: float


@dataclass(frozen=True)
class Flips:
    """The maps of a report, by lane and case, and what is to be said where there is none."""

    maps: Mapping[tuple[str, str], FlipMap] = field(default_factory=dict)
    absent: str = ""


def flips_of(cards: Sequence[CaseCard], album: Album) -> Flips:
    """Maps of the failing cases, the worst first, as far as there is room."""
    failing = sorted(
        ((card, lane) for card in cards for lane in card.lanes if lane.status == "fail"),
        key=lambda pair: rank(pair[1].worst),
    )
    try:
        return Flips(dict(_maps(failing, album)), "FLIP's map is made for the worst failing cases only")
    except ImportError:
        return Flips(absent="FLIP's map is made where flip-evaluator is installed (pip install 'sdqa[yardstick]')")


def _maps(failing: Sequence[tuple[CaseCard, CaseLane]], album: Album) -> Iterator[tuple[tuple[str, str], FlipMap]]:
    room = MAX_PIXELS
    for card, lane in failing:
        pair = [lane.images.get(kind) for kind in ("golden", "candidate")]
        one, other = (album.picture(blob) if blob else PictureFile("") for blob in pair)
        size = one.width * one.height
        if not one.data or not other.data or (one.width, one.height) != (other.width, other.height) or size > room:
            continue
        room -= size
        yield (lane.lane, card.name), _map(one.data, other.data)


@functools.lru_cache(maxsize=16)
def _map(golden: bytes, candidate: bytes) -> FlipMap:
    """The map of two pictures of one size; a report that is written again in a run does not compute it again.

    Raises:
        ImportError: FLIP is not installed.
    """
    import flip_evaluator
    import numpy as np

    opened = [Image.open(BytesIO(data)).convert("RGB") for data in (golden, candidate)]
    pair = [np.asarray(one, dtype=np.float32) / np.float32(255) for one in opened]
    found, _, _ = flip_evaluator.evaluate(
        *pair, "LDR", applyMagma=False, computeMeanError=False, parameters={"ppd": PIXELS_PER_DEGREE}
    )
    seen = np.clip(np.asarray(found, dtype=np.float32).reshape(pair[0].shape[:2]), 0, 1)
    grey = Image.fromarray(np.rint(255 * seen).astype(np.uint8)).convert("RGB")
    buffer = BytesIO()
    grey.save(buffer, "WEBP", quality=QUALITY, method=1)
    return FlipMap(buffer.getvalue(), grey.width, grey.height, float(seen.mean()), float(seen.max()))
