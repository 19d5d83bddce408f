"""CLIP similarity of image and golden."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.metrics.registry import Reading, metric

if TYPE_CHECKING:
    from sdqa.metrics.models import MetricModels
    from sdqa.metrics.subject import Subject


@metric("clip_image_similarity", unit="", better="higher", valid=(-1, 1.0001), needs=["clip"], compares=True)
def clip_image_similarity(subject: Subject, models: MetricModels) -> Reading:
    """Cosine of the candidate's image with the golden's in CLIP's space; 1 for the same content."""
    value = float(models.clip.image(subject.candidate.image) @ models.clip.image(subject.golden.image))
    return Reading(min(1.0, value), golden=1.0)
