"""Areas of a picture, and what is done to one: painted, moved, blended."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sdqa.arrays import Pixels
from sdqa.faults.local.registry import Point

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.float64]
"""(H, W), 0 to 1."""


def ellipse(picture: Pixels, centre: Point, half_width: float, half_height: float) -> Mask:
    """1 inside, 0 outside, with a soft edge of a pixel."""
    rows, columns = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]] + 0.5
    distance = np.hypot((columns - centre[0]) / half_width, (rows - centre[1]) / half_height)
    return np.asarray(np.clip((1 - distance) * min(half_width, half_height) + 0.5, 0, 1), dtype=np.float64)


def box(picture: Pixels, centre: Point, half_width: float, half_height: float) -> tuple[slice, slice]:
    """Rows and columns of a rectangle, cut at the picture's edge; one pixel at least."""
    found = []
    for at, half, length in ((centre[1], half_height, picture.shape[0]), (centre[0], half_width, picture.shape[1])):
        first = int(np.clip(round(at - half), 0, length - 1))
        found.append(slice(first, int(np.clip(round(at + half), first + 1, length))))
    return found[0], found[1]


def blend(picture: Pixels, other: Floats, mask: Mask) -> Pixels:
    """The other picture, or colour, where the mask is 1."""
    weight = mask[..., None]
    return rounded(picture * (1 - weight) + other * weight)


def colour_at(picture: Pixels, at: Point) -> Floats:
    """The mean colour of the nine pixels around a point."""
    area = picture[box(picture, at, 1.5, 1.5)]
    return np.asarray(area.reshape(-1, 3).mean(0), dtype=np.float64)


def moved(picture: Pixels, area: tuple[slice, slice], right: int, down: int, fill: Floats) -> Pixels:
    """The picture with a rectangle cut out, the hole filled, and put in again elsewhere."""
    patch, found = picture[area].copy(), picture.copy()
    found[area] = rounded(np.broadcast_to(fill, patch.shape))
    rows = np.clip(np.arange(area[0].start, area[0].stop) + down, 0, picture.shape[0] - 1)
    columns = np.clip(np.arange(area[1].start, area[1].stop) + right, 0, picture.shape[1] - 1)
    found[np.ix_(rows, columns)] = patch
    return found


def rounded(values: npt.NDArray[np.floating]) -> Pixels:
    """To the nearest of 256 levels."""
    return np.asarray(np.clip(np.rint(values), 0, 255), dtype=np.uint8)
