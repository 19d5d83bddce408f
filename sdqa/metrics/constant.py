"""Constant image detector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.metrics.registry import Reading, metric, self_test

if TYPE_CHECKING:
    from sdqa.arrays import Pixels
    from sdqa.metrics.subject import Subject


def spread(image: Pixels) -> float:
    """Standard deviation over the image, in grey levels: the channels' root mean square."""
    import numpy as np

    deviations = image.astype(np.float64).std(axis=(0, 1))
    return float(np.sqrt(np.mean(deviations**2)))


@metric("constant", unit="grey levels", better="higher", valid=(0, 128))
def constant(subject: Subject) -> Reading:
    """Standard deviation of the image, for candidate and golden; 0 is one flat colour."""
    return Reading(spread(subject.candidate.image), spread(subject.golden.image))


@self_test("constant", "a flat colour reads 0")
def _flat() -> bool | str:
    import numpy as np

    found = spread(np.full((8, 8, 3), [200, 30, 90], np.uint8))
    return found == 0 or f"{found}"
