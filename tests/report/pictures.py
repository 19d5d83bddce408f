"""Drawn pictures for the realistic run: portraits and landscapes of 64 pixels, and damaged ones."""

from __future__ import annotations

import random
from io import BytesIO

from PIL import Image, ImageDraw, ImageFilter

HAIR = {"red": "#b3392e", "black": "#222222", "blond": "#d9b45b", "grey": "#8d8d8d", "brown": "#6b4423"}


def draw(name: str, seed: int) -> Image.Image:
    """A 64-pixel portrait or landscape."""
    dice = random.Random(f"{name} {seed}")
    image = Image.new("RGB", (64, 64))
    pen = ImageDraw.Draw(image)
    top, bottom = ([dice.randint(90, 240) for _ in range(3)] for _ in range(2))
    for y in range(64):
        pen.line([(0, y), (64, y)], fill=tuple(round(a + (b - a) * y / 63) for a, b in zip(top, bottom, strict=True)))
    if "portrait" in name:
        hair = next((colour for key, colour in HAIR.items() if key in name), "#3c8a4d")
        pen.rectangle([8, 50, 56, 64], fill="#41597c")
        pen.ellipse([14, 8, 50, 50], fill=hair)
        pen.ellipse([19, 16, 45, 52], fill="#e6b998")
        for x in (26, 38):
            pen.ellipse([x - 2, 30, x + 2, 34], fill="#202020")
        pen.arc([26, 36, 38, 46], 10, 170, fill="#8c2f2f", width=2)
    else:
        for i in range(3):
            shade = 60 + 40 * (2 - i)
            peaks = [(0, 64)] + [(x, 26 + 10 * i + dice.randint(-7, 7)) for x in range(0, 65, 8)] + [(64, 64)]
            pen.polygon(peaks, fill=(shade // 2, shade, shade // 2))
        pen.ellipse([44, 6, 56, 18], fill="#fff3b0")
    return image


def disturb(image: Image.Image, amount: float, seed: int) -> Image.Image:
    """The picture with noise on it: what a damaged candidate looks like."""
    if amount <= 0.02:
        return image.filter(ImageFilter.GaussianBlur(0.3))
    noise = Image.frombytes("RGB", image.size, random.Random(seed).randbytes(64 * 64 * 3))
    return Image.blend(image, noise, amount)


def png(image: Image.Image) -> bytes:
    """The picture's bytes."""
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
