"""Perceptual distance to the source: identity preservation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.metrics.registry import Reading, metric

if TYPE_CHECKING:
    from sdqa.metrics.models import MetricModels
    from sdqa.metrics.subject import Subject


@metric("lpips_source", unit="", better="lower", valid=(0, 10), needs=["lpips", "source"])
def lpips_source(subject: Subject, models: MetricModels) -> Reading:
    """Perceptual distance of the result to the source image, for candidate and golden.

    How much an edit may change depends on strength and prompt; the teacher's own distance is the measure of it.
    """
    assert subject.source is not None
    source = models.lpips.fitted(subject.source, subject.golden.image.shape[:2])
    value, golden = (models.lpips.distance(picture.image, source) for picture in (subject.candidate, subject.golden))
    return Reading(value, golden)
