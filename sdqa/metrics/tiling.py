"""Tiling detector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.metrics.luma import luma
from sdqa.metrics.registry import Reading, metric, self_test

if TYPE_CHECKING:
    from sdqa.arrays import Pixels
    from sdqa.metrics.subject import Subject

SHORTEST = 8
"""The shortest period looked for is 1/8 of the side."""


def repetition(image: Pixels) -> float:
    """How much the image repeats itself: the largest correlation with itself when moved, 0 to 1.

    Circular autocorrelation of the brightness' gradients (so that a smooth sky does not count), at every displacement
    from an eighth to half of a side along either axis.
    """
    import numpy as np

    x = luma(image)
    height, width = x.shape
    power = np.zeros((height, width // 2 + 1))
    for axis in (0, 1):
        gradient = np.roll(x, -1, axis) - x
        power += np.abs(np.fft.rfft2(gradient - gradient.mean())) ** 2
    correlation = np.fft.irfft2(power, s=x.shape)
    if correlation[0, 0] <= 1e-9:
        return 0.0
    rows = correlation[height // SHORTEST : height // 2 + 1, 0]
    columns = correlation[0, width // SHORTEST : width // 2 + 1]
    return float(np.clip(max(rows.max(), columns.max()) / correlation[0, 0], 0, 1))


@metric("tiling", unit="", better="lower", valid=(0, 1), shortest=SHORTEST)
def tiling(subject: Subject) -> Reading:
    """Self-repetition, for candidate and golden: kernels that mistake a shape draw the same tile again and again."""
    return Reading(repetition(subject.candidate.image), repetition(subject.golden.image))


@self_test("tiling", "tiles are seen, a picture is not mistaken for them")
def _tiles() -> bool | str:
    import numpy as np

    from sdqa.metrics import test_images as specimens

    image = specimens.drawn()[0].image
    tiled = np.tile(image[::4, ::4], (4, 4, 1))
    plain, found = repetition(image), repetition(tiled)
    return (found > 0.99 and plain < 0.7) or f"a picture {plain:.2f}, tiles {found:.2f}"
