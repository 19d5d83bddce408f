"""Damage of colour and brightness, all over the picture."""

from __future__ import annotations

import numpy as np

from sdqa.arrays import Pixels
from sdqa.faults.local.areas import rounded
from sdqa.faults.local.registry import damage


@damage("hue-3-percent")
def hue_3_percent(picture: Pixels) -> Pixels:
    """Every hue is 3 % of the colour circle farther on."""
    from PIL import Image

    hsv = np.asarray(Image.fromarray(picture).convert("HSV")).copy()
    hsv[..., 0] = (hsv[..., 0].astype(np.int64) + round(0.03 * 256)) % 256
    return np.asarray(Image.fromarray(hsv, "HSV").convert("RGB"))


@damage("gamma-1.05")
def gamma_1_05(picture: Pixels) -> Pixels:
    """A gamma of 1.05: middle tones are darker."""
    return rounded(255 * (picture / 255.0) ** 1.05)


@damage("contrast-95-percent")
def contrast_95_percent(picture: Pixels) -> Pixels:
    """Contrast is a twentieth lower."""
    return rounded(127.5 + 0.95 * (picture - 127.5))


@damage("brightness-4-levels")
def brightness_4_levels(picture: Pixels) -> Pixels:
    """Everything is four levels brighter."""
    return rounded(picture + 4.0)


@damage("saturation-90-percent")
def saturation_90_percent(picture: Pixels) -> Pixels:
    """Colours are a tenth paler."""
    grey = picture.mean(-1, keepdims=True)
    return rounded(grey + 0.9 * (picture - grey))


@damage("cast-of-blue")
def cast_of_blue(picture: Pixels) -> Pixels:
    """Blue is four levels brighter."""
    return rounded(picture + np.array([0.0, 0.0, 4.0]))


@damage("channels-swapped")
def channels_swapped(picture: Pixels) -> Pixels:
    """Red and blue are exchanged."""
    return picture[..., ::-1]


@damage("vignette")
def vignette(picture: Pixels) -> Pixels:
    """The corners are a tenth darker."""
    rows, columns = (np.linspace(-1, 1, length) for length in picture.shape[:2])
    fall = 1 - 0.05 * (rows[:, None] ** 2 + columns[None] ** 2)
    return rounded(picture * fall[..., None])
