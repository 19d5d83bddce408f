"""High-frequency noise detector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.metrics.luma import luma
from sdqa.metrics.registry import Reading, metric, self_test

if TYPE_CHECKING:
    from sdqa.arrays import Pixels
    from sdqa.metrics.subject import Subject


def noise_level(image: Pixels) -> float:
    """Standard deviation of the noise in grey levels, from the response to a mask that edges hardly excite.

    Immerkaer, "Fast noise variance estimation", 1996. The median in place of the mean keeps the edges of drawings out.
    """
    import numpy as np

    x = luma(image)
    rows = x[:-2] - 2 * x[1:-1] + x[2:]
    response = rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]
    return float(np.median(np.abs(response)) / (6 * 0.6745))


@metric("noise", unit="grey levels", better="lower", valid=(0, 255), estimator="Immerkaer, median")
def noise(subject: Subject) -> Reading:
    """Estimated high-frequency noise, for candidate and golden."""
    return Reading(noise_level(subject.candidate.image), noise_level(subject.golden.image))


@self_test("noise", "reads the noise that was added, and not the edges")
def _reads() -> bool | str:
    import numpy as np

    from sdqa.metrics import test_images as specimens

    image = specimens.drawn()[0].image
    noisy = np.clip(image + np.random.default_rng(0).normal(0, 40, image.shape[:2])[..., None], 0, 255).astype(np.uint8)
    clean, found = noise_level(image), noise_level(noisy)
    return (clean < 5 and 20 < found < 50) or f"clean {clean:.1f}, with 40 grey levels of noise {found:.1f}"
