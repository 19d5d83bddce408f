"""Saturation detector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.metrics.registry import Reading, metric, self_test

if TYPE_CHECKING:
    from sdqa.arrays import Pixels
    from sdqa.metrics.subject import Subject


def clipped_share(image: Pixels) -> float:
    """Share of channel values that are 0 or 255: what clipping leaves behind."""
    import numpy as np

    return float(np.mean((image == 0) | (image == 255)))


@metric("saturation", unit="", better="lower", valid=(0, 1))
def saturation(subject: Subject) -> Reading:
    """Share of clipped channel values, for candidate and golden."""
    return Reading(clipped_share(subject.candidate.image), clipped_share(subject.golden.image))


@self_test("saturation", "rises with contrast")
def _rises() -> bool | str:
    import numpy as np

    from sdqa.metrics import test_images as specimens

    image = specimens.drawn()[0].image.astype(np.float64)
    found = [clipped_share(np.clip((image - 128) * gain + 128, 0, 255).astype(np.uint8)) for gain in (1, 2, 4)]
    return found[0] < found[1] < found[2] or f"{found}"
