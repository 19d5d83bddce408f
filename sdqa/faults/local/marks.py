"""Damage of single pixels, lines and blocks. Places are fractions of the picture's sides, the same in every picture."""

from __future__ import annotations

import numpy as np

from sdqa.arrays import Pixels
from sdqa.faults.local.areas import rounded
from sdqa.faults.local.registry import damage


def _place(picture: Pixels, across: float, down: float) -> tuple[int, int]:
    """Row and column."""
    return int(picture.shape[0] * down), int(picture.shape[1] * across)


def _block(picture: Pixels, across: float, down: float, size: int) -> tuple[slice, slice]:
    row, column = _place(picture, across, down)
    return slice(row, row + size), slice(column, column + size)


def _lifted(picture: Pixels, area: tuple[slice, slice], levels: float) -> Pixels:
    picture[area] = rounded(picture[area] + levels)
    return picture


@damage("white-pixel")
def white_pixel(picture: Pixels) -> Pixels:
    """One pixel is white."""
    picture[_block(picture, 0.6, 0.55, 1)] = 255
    return picture


@damage("black-pixel")
def black_pixel(picture: Pixels) -> Pixels:
    """One pixel is black."""
    picture[_block(picture, 0.15, 0.3, 1)] = 0
    return picture


@damage("dot-2x2")
def dot_2x2(picture: Pixels) -> Pixels:
    """Four pixels are black."""
    picture[_block(picture, 0.45, 0.6, 2)] = 0
    return picture


@damage("corner-black")
def corner_black(picture: Pixels) -> Pixels:
    """Nine pixels in a corner are black."""
    picture[:3, -3:] = 0
    return picture


@damage("salt")
def salt(picture: Pixels) -> Pixels:
    """Ten pixels are white."""
    rows, columns = np.random.default_rng(5).integers(0, min(picture.shape[:2]), (2, 10))
    picture[rows, columns] = 255
    return picture


@damage("block-noise")
def block_noise(picture: Pixels) -> Pixels:
    """A block of 8 by 8 pixels is noise."""
    picture[_block(picture, 0.25, 0.5, 8)] = np.random.default_rng(6).integers(0, 256, (8, 8, 3))
    return picture


@damage("block-frozen")
def block_frozen(picture: Pixels) -> Pixels:
    """A block of 8 by 8 pixels has its mean colour."""
    area = _block(picture, 0.45, 0.4, 8)
    picture[area] = rounded(picture[area].mean((0, 1)))
    return picture


@damage("blocks-exchanged")
def blocks_exchanged(picture: Pixels) -> Pixels:
    """Two blocks of 8 by 8 pixels have changed places."""
    one, other = _block(picture, 0.375, 0.375, 8), _block(picture, 0.5, 0.375, 8)
    picture[one], picture[other] = picture[other].copy(), picture[one].copy()
    return picture


@damage("row-repeated")
def row_repeated(picture: Pixels) -> Pixels:
    """From one row on everything is a row lower: the row is there twice."""
    row = _place(picture, 0, 0.5)[0]
    picture[row + 1 :] = picture[row:-1].copy()
    return picture


@damage("row-white")
def row_white(picture: Pixels) -> Pixels:
    """A row is white."""
    picture[_place(picture, 0, 0.3)[0]] = 255
    return picture


@damage("column-stuck")
def column_stuck(picture: Pixels) -> Pixels:
    """A column is the one four pixels farther left."""
    column = _place(picture, 0.4, 0)[1]
    picture[:, column] = picture[:, column - 4]
    return picture


@damage("scratch")
def scratch(picture: Pixels) -> Pixels:
    """A diagonal line of half the picture's side is a third brighter."""
    steps = np.arange(picture.shape[0] // 2)
    rows, columns = steps + picture.shape[0] // 4, steps + picture.shape[1] // 3
    picture[rows, columns] = rounded(picture[rows, columns] * 1.33)
    return picture


@damage("seam-line")
def seam_line(picture: Pixels) -> Pixels:
    """The middle column is ten levels brighter: a seam of two tiles."""
    middle = picture.shape[1] // 2
    return _lifted(picture, (slice(None), slice(middle, middle + 1)), 10)


@damage("seam-of-tiles")
def seam_of_tiles(picture: Pixels) -> Pixels:
    """One quarter is six levels brighter: tiles that were decoded apart."""
    return _lifted(picture, (slice(0, picture.shape[0] // 2), slice(0, picture.shape[1] // 2)), 6)


@damage("quarter-shifted")
def quarter_shifted(picture: Pixels) -> Pixels:
    """One quarter is a pixel to the right of where it belongs."""
    area = slice(picture.shape[0] // 2, None), slice(0, picture.shape[1] // 2)
    picture[area] = np.roll(picture[area], 1, axis=1)
    return picture
