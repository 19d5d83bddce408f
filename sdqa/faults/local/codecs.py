"""Damage of storing, scaling and filtering, all over the picture."""

from __future__ import annotations

import io

import numpy as np

from sdqa.arrays import Pixels
from sdqa.faults.local.areas import rounded
from sdqa.faults.local.registry import damage


def _jpeg(picture: Pixels, quality: int) -> Pixels:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(io.BytesIO(stream.getvalue())).convert("RGB"))


def _resampled(picture: Pixels, right: float = 0.0, degrees: float = 0.0) -> Pixels:
    """Moved and turned about the middle, bilinear, with the border continued."""
    from scipy.ndimage import affine_transform

    turn = np.deg2rad(degrees)
    matrix = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    middle = (np.array(picture.shape) - 1) / 2
    offset = middle - matrix @ middle - np.array([0, right, 0])
    return rounded(np.asarray(affine_transform(picture.astype(np.float64), matrix, offset, order=1, mode="nearest")))


@damage("jpeg-90")
def jpeg_90(picture: Pixels) -> Pixels:
    """JPEG of quality 90."""
    return _jpeg(picture, 90)


@damage("jpeg-60")
def jpeg_60(picture: Pixels) -> Pixels:
    """JPEG of quality 60."""
    return _jpeg(picture, 60)


@damage("banding")
def banding(picture: Pixels) -> Pixels:
    """32 levels a channel: gradients are steps."""
    return rounded(np.rint(picture / 255 * 31) / 31 * 255)


@damage("ringing")
def ringing(picture: Pixels) -> Pixels:
    """Edges overshoot, as after too much sharpening."""
    from scipy.ndimage import gaussian_filter

    soft = np.asarray(gaussian_filter(picture.astype(np.float64), (1.0, 1.0, 0)))
    return rounded(picture + 0.4 * (picture - soft))


@damage("shift-1px")
def shift_1px(picture: Pixels) -> Pixels:
    """The picture is a pixel to the right."""
    return _resampled(picture, right=1.0)


@damage("shift-half-a-pixel")
def shift_half_a_pixel(picture: Pixels) -> Pixels:
    """The picture is half a pixel to the right, and softer for it."""
    return _resampled(picture, right=0.5)


@damage("turned-half-a-degree")
def turned_half_a_degree(picture: Pixels) -> Pixels:
    """The picture is turned by half a degree."""
    return _resampled(picture, degrees=0.5)


@damage("smaller-and-back")
def smaller_and_back(picture: Pixels) -> Pixels:
    """Scaled to three quarters of its size and back."""
    from PIL import Image

    height, width = picture.shape[:2]
    small = Image.fromarray(picture).resize((width * 3 // 4, height * 3 // 4), Image.Resampling.BILINEAR)
    return np.asarray(small.resize((width, height), Image.Resampling.BILINEAR))


@damage("mirrored")
def mirrored(picture: Pixels) -> Pixels:
    """Left and right are exchanged."""
    return picture[:, ::-1]


@damage("grain")
def grain(picture: Pixels) -> Pixels:
    """Noise of three levels' deviation."""
    return rounded(picture + np.random.default_rng(7).normal(0, 3, picture.shape))
