"""Perceptual distance to the golden: fidelity."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from sdqa.metrics.registry import Reading, metric, self_test

if TYPE_CHECKING:
    from sdqa.metrics.models import MetricModels
    from sdqa.metrics.subject import Subject


@metric("lpips", unit="", better="lower", valid=(0, 10), needs=["lpips"], compares=True)
def lpips(subject: Subject, models: MetricModels) -> Reading:
    """Perceptual distance of the candidate's image to the golden's; 0 for the same image.

    Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", 2018; shift-tolerant
    networks: Ghildyal and Liu, "Shift-tolerant perceptual similarity metric", 2022.
    """
    return Reading(models.lpips.distance(subject.candidate.image, subject.golden.image), golden=0.0)


@self_test("lpips", "rises with noise and with blur")
def _rises(models: MetricModels) -> bool | str:
    import numpy as np

    from sdqa.metrics import test_images as specimens

    image = specimens.drawn()[0].image
    noise = np.random.default_rng(0).normal(size=image.shape)
    noisy = [np.clip(image + sigma * noise, 0, 255).astype(np.uint8) for sigma in (0, 5, 20, 60)]
    blurred = [specimens.blur(image, radius) for radius in (0, 1, 2, 4)]
    for series in (noisy, blurred):
        found = [models.lpips.distance(image, other) for other in series]
        if found[0] != 0 or any(b <= a for a, b in pairwise(found)):
            return f"{[round(value, 4) for value in found]}"
    return True


@self_test("lpips", "images are fed as [-1, 1]")
def _range(models: MetricModels) -> bool | str:
    import numpy as np

    low, high = (models.lpips.prepare(np.full((64, 64, 3), value, np.uint8)) for value in (0, 255))
    found = float(low.min()), float(high.max())
    return found == (-1.0, 1.0) or f"black is {found[0]}, white is {found[1]}"
