"""Black image detector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.metrics.luma import luma
from sdqa.metrics.registry import Reading, metric, self_test

if TYPE_CHECKING:
    from sdqa.arrays import Pixels
    from sdqa.metrics.subject import Subject

DARKEST = 8
"""Grey levels: below it nothing can be told from black."""


def black_share(image: Pixels) -> float:
    """Share of pixels whose brightness is below `DARKEST` grey levels."""
    import numpy as np

    return float(np.mean(luma(image) < DARKEST))


@metric("black", unit="", better="lower", valid=(0, 1), darkest=DARKEST)
def black(subject: Subject) -> Reading:
    """Share of black pixels, for candidate and golden: an overflow, or a safety checker, blanks the image."""
    return Reading(black_share(subject.candidate.image), black_share(subject.golden.image))


@self_test("black", "night is not black")
def _night() -> bool | str:
    import numpy as np

    from sdqa.metrics import test_images as specimens

    night, blank = specimens.drawn()[2].image, np.zeros((64, 64, 3), np.uint8)
    found = black_share(night), black_share(blank)
    return (found[0] < 0.5 and found[1] == 1) or f"night {found[0]:.2f}, blank {found[1]:.2f}"
