"""CLIP prompt alignment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.metrics.registry import Reading, metric, self_test

if TYPE_CHECKING:
    from sdqa.metrics.models import MetricModels
    from sdqa.metrics.subject import Subject


@metric("clip_score", unit="", better="higher", valid=(-1, 1), needs=["clip"])
def clip_score(subject: Subject, models: MetricModels) -> Reading:
    """Cosine of image and prompt in CLIP's space, for candidate and golden.

    Only the paired difference may gate: a quantised model can score above its teacher, and noise can score high.
    """
    text = models.clip.text(subject.prompt)
    value, golden = (float(models.clip.image(picture.image) @ text) for picture in (subject.candidate, subject.golden))
    return Reading(value, golden)


@self_test("clip_score", "the right caption ranks first")
def _ranks(models: MetricModels) -> bool | str:
    from sdqa.metrics import test_images as specimens

    captions = [specimen.caption for specimen in specimens.drawn()]
    wrong = []
    for specimen in specimens.drawn():
        image = models.clip.image(specimen.image)
        scores = {caption: float(image @ models.clip.text(caption)) for caption in captions}
        best = max(scores, key=lambda caption: scores[caption])
        if best != specimen.caption:
            wrong.append(f"{specimen.caption!r} lost to {best!r}")
    return not wrong or "; ".join(wrong)
