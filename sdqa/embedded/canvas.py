"""A square to draw on, in unit coordinates: (0, 0) is the top left corner, (1, 1) the bottom right one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random

SIDE = 256
"""Pixels a side while drawing; the finished picture is box-reduced from it, which smooths the edges."""

Colour = tuple[int, int, int]
Tone = tuple[float, float, float]
Point = tuple[float, float]

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
NEUTRAL: Tone = (0.0, 0.0, 0.0)


def mix(a: Colour, b: Colour, t: float) -> Colour:
    """Linear blend: `a` at t = 0, `b` at t = 1."""
    red, green, blue = (int(x * (1 - t) + y * t) for x, y in zip(a, b, strict=True))
    return red, green, blue


def tone(random: Random, amplitude: float) -> Tone:
    """A small shift of a colour, uniform in ±amplitude grey levels a channel, so that no two reds are the same."""
    return (
        random.uniform(-amplitude, amplitude),
        random.uniform(-amplitude, amplitude),
        random.uniform(-amplitude, amplitude),
    )


def shift(colour: Colour, by: Tone) -> Colour:
    red, green, blue = (int(min(255, max(0, x + d))) for x, d in zip(colour, by, strict=True))
    return red, green, blue


class Canvas:
    """An RGB image that starts as a vertical gradient."""

    def __init__(self, top: Colour, bottom: Colour) -> None:
        import numpy as np
        from PIL import Image, ImageDraw

        t = np.linspace(0, 1, SIDE)[:, None, None]
        gradient = np.array(top)[None, None] * (1 - t) + np.array(bottom)[None, None] * t
        self.image = Image.fromarray(np.broadcast_to(gradient, (SIDE, SIDE, 3)).astype(np.uint8))
        self._pen = ImageDraw.Draw(self.image)

    def ellipse(
        self,
        centre: Point,
        rx: float,
        ry: float,
        fill: Colour | None = None,
        outline: Colour | None = None,
        width: int = 1,
    ) -> None:
        x, y = centre
        self._pen.ellipse(_box(x - rx, y - ry, x + rx, y + ry), fill=fill, outline=outline, width=width)

    def rectangle(self, left: float, top: float, right: float, bottom: float, fill: Colour, radius: int = 0) -> None:
        """`radius` rounds the corners, in pixels of SIDE."""
        box = _box(left, top, right, bottom)
        if radius:
            self._pen.rounded_rectangle(box, radius=radius, fill=fill)
        else:
            self._pen.rectangle(box, fill=fill)

    def polygon(self, points: Iterable[Point], fill: Colour) -> None:
        self._pen.polygon(_scaled(points), fill=fill)

    def line(self, points: Sequence[Point], fill: Colour, width: int) -> None:
        """`width` in pixels of SIDE; corners are rounded."""
        self._pen.line(_scaled(points), fill=fill, width=width, joint="curve" if len(points) > 2 else None)

    def arc(self, left: float, top: float, right: float, bottom: float, sweep: Point, fill: Colour, width: int) -> None:
        """Part of the ellipse in a box; `sweep` is (start, end) in degrees, clockwise from three o'clock."""
        self._pen.arc(_box(left, top, right, bottom), *sweep, fill=fill, width=width)

    def chord(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        sweep: Point,
        fill: Colour,
        outline: Colour,
        width: int,
    ) -> None:
        """Like `arc`, closed by a straight line and filled."""
        self._pen.chord(_box(left, top, right, bottom), *sweep, fill=fill, outline=outline, width=width)


def _box(left: float, top: float, right: float, bottom: float) -> list[Point]:
    return [(left * SIDE, top * SIDE), (right * SIDE, bottom * SIDE)]


def _scaled(points: Iterable[Point]) -> list[Point]:
    return [(x * SIDE, y * SIDE) for x, y in points]
