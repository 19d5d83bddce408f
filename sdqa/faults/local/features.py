"""Damage to parts of a face."""

from __future__ import annotations

import numpy as np

from sdqa.arrays import Pixels
from sdqa.faults.local.areas import Floats, blend, box, colour_at, ellipse, moved, rounded
from sdqa.faults.local.registry import Landmarks, face_damage


def _skin(picture: Pixels, at: Landmarks) -> Floats:
    """The colour between the eye and the mouth, beside the nose."""
    return colour_at(picture, ((at.left_eye[0] + at.centre[0]) / 2, (at.left_eye[1] + at.mouth[1]) / 2))


@face_damage("eye-painted-over")
def eye_painted_over(picture: Pixels, at: Landmarks) -> Pixels:
    """One eye is skin."""
    return blend(picture, _skin(picture, at), ellipse(picture, at.left_eye, at.eye * 1.5, at.eye * 1.5))


@face_damage("eye-moved-3px")
def eye_moved_3px(picture: Pixels, at: Landmarks) -> Pixels:
    """One eye is three pixels higher."""
    return moved(picture, box(picture, at.left_eye, at.eye * 1.3, at.eye * 1.3), 0, -3, _skin(picture, at))


@face_damage("eye-moved-1px")
def eye_moved_1px(picture: Pixels, at: Landmarks) -> Pixels:
    """One eye is a pixel farther out."""
    return moved(picture, box(picture, at.left_eye, at.eye * 1.3, at.eye * 1.3), -1, 0, _skin(picture, at))


@face_damage("eye-mirrored")
def eye_mirrored(picture: Pixels, at: Landmarks) -> Pixels:
    """One eye is upside down."""
    area = box(picture, at.left_eye, at.eye * 1.3, at.eye * 1.3)
    picture[area] = picture[area][::-1]
    return picture


@face_damage("iris-recoloured")
def iris_recoloured(picture: Pixels, at: Landmarks) -> Pixels:
    """One iris has its red and blue exchanged, and is a fifth darker."""
    other = picture[..., ::-1].astype(np.float64) * 0.8
    return blend(picture, other, ellipse(picture, at.right_eye, at.eye * 0.75, at.eye * 0.75))


@face_damage("brow-gone")
def brow_gone(picture: Pixels, at: Landmarks) -> Pixels:
    """The brow over one eye is skin."""
    brow = (at.right_eye[0], at.right_eye[1] - at.eye * 1.75)
    return blend(picture, _skin(picture, at), ellipse(picture, brow, at.eye * 1.7, at.eye * 0.8))


@face_damage("nose-gone")
def nose_gone(picture: Pixels, at: Landmarks) -> Pixels:
    """The nose is skin."""
    nose = (at.centre[0], (at.left_eye[1] + at.mouth[1]) / 2)
    return blend(picture, _skin(picture, at), ellipse(picture, nose, 2.5, (at.mouth[1] - at.left_eye[1]) * 0.35))


@face_damage("mouth-gone")
def mouth_gone(picture: Pixels, at: Landmarks) -> Pixels:
    """The mouth is skin."""
    return blend(picture, _skin(picture, at), ellipse(picture, at.mouth, at.mouth_width * 1.4, 4.5))


@face_damage("mouth-moved-2px")
def mouth_moved_2px(picture: Pixels, at: Landmarks) -> Pixels:
    """The mouth is two pixels to the side."""
    return moved(picture, box(picture, at.mouth, at.mouth_width * 1.3, 3.5), 2, 0, _skin(picture, at))


@face_damage("mouth-upside-down")
def mouth_upside_down(picture: Pixels, at: Landmarks) -> Pixels:
    """A smile is a frown."""
    area = box(picture, at.mouth, at.mouth_width * 1.3, 3.5)
    picture[area] = picture[area][::-1]
    return picture


@face_damage("jaw-shifted")
def jaw_shifted(picture: Pixels, at: Landmarks) -> Pixels:
    """Everything of the face below the mouth is two pixels to the side."""
    chin = (at.centre[0], (at.mouth[1] + 2 + at.centre[1] + at.height) / 2)
    area = box(picture, chin, at.width * 1.1, (at.centre[1] + at.height - at.mouth[1] - 2) / 2 + 1)
    picture[area] = np.roll(picture[area], 2, axis=1)
    return picture


@face_damage("hat-band-gone")
def hat_band_gone(picture: Pixels, at: Landmarks) -> Pixels:
    """The rows where hat or hair meets the brow are as the one above them."""
    rows, columns = box(picture, (at.centre[0], at.brim), at.width * 1.5, 2.0)
    picture[rows, columns] = picture[max(0, rows.start - 1), columns][None]
    return picture


@face_damage("cheek-blotch")
def cheek_blotch(picture: Pixels, at: Landmarks) -> Pixels:
    """A spot of two pixels' radius on one cheek is a quarter darker."""
    cheek = (at.right_eye[0], (at.right_eye[1] + at.mouth[1]) / 2)
    return blend(picture, picture.astype(np.float64) * 0.75, ellipse(picture, cheek, 2.0, 2.0))


@face_damage("ear-gone")
def ear_gone(picture: Pixels, at: Landmarks) -> Pixels:
    """What stands out at one side of the face is the colour farther out."""
    ear = (at.centre[0] - at.width * 1.05, at.centre[1])
    outside = colour_at(picture, (max(2.0, at.centre[0] - at.width * 1.6), at.centre[1]))
    return blend(picture, outside, ellipse(picture, ear, 2.5, 3.5))


@face_damage("face-softened")
def face_softened(picture: Pixels, at: Landmarks) -> Pixels:
    """The face is out of focus, the rest is sharp."""
    from scipy.ndimage import gaussian_filter

    soft = np.asarray(gaussian_filter(picture.astype(np.float64), (0.8, 0.8, 0)))
    return blend(picture, soft, ellipse(picture, at.centre, at.width * 0.9, at.height * 0.9))


@face_damage("face-tinted")
def face_tinted(picture: Pixels, at: Landmarks) -> Pixels:
    """The skin is a little redder."""
    tinted = rounded(picture * np.array([1.04, 0.97, 0.97])).astype(np.float64)
    return blend(picture, tinted, ellipse(picture, at.centre, at.width * 0.9, at.height * 0.9))
