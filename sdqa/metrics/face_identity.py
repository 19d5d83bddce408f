"""Is it still the same person? Optional, for photographs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.metrics.registry import Reading, metric, self_test

if TYPE_CHECKING:
    from sdqa.metrics.models import MetricModels
    from sdqa.metrics.subject import Subject


@metric("face_identity", unit="", better="higher", valid=(-1, 1.0001), needs=["face", "source"], on_request=True)
def face_identity(subject: Subject, models: MetricModels) -> Reading:
    """Cosine of the largest face with the source's, for candidate and golden; no face any more reads 0.

    Only measured when a suite asks for it by name; drawings have no faces that the detector knows.
    """
    assert subject.source is not None
    source = models.face.embed(subject.source)
    if source is None:
        return Reading(None, reason="no face was found in the source")
    figures = []
    for picture in (subject.candidate, subject.golden):
        face = models.face.embed(picture.image)
        figures.append(0.0 if face is None else min(1.0, float(face @ source)))
    return Reading(figures[0], figures[1])


@self_test("face_identity", "a flat picture has no face")
def _nobody(models: MetricModels) -> bool | str:
    import numpy as np

    found = models.face.embed(np.full((256, 256, 3), 128, np.uint8))
    return found is None or "a face was found in a flat picture"
