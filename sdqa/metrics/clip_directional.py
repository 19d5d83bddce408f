"""CLIP directional similarity: does the image change the way the text does?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.metrics.latent_cosine import cosine
from sdqa.metrics.registry import Reading, metric, self_test

if TYPE_CHECKING:
    from sdqa.arrays import Floats
    from sdqa.metrics.models import MetricModels
    from sdqa.metrics.subject import Subject

SHORTEST = 1e-4
"""A direction shorter than this (embeddings have length 1) is rounding, not an edit."""


def direction(end: Floats, start: Floats, wanted: Floats) -> float:
    """Cosine of `end - start` with `wanted`; 0 when nothing changed: an edit that did not happen follows nothing."""
    import numpy as np

    change = end - start
    return cosine(change, wanted) if float(np.linalg.norm(change)) > SHORTEST else 0.0


@metric("clip_directional", unit="", better="higher", valid=(-1, 1), needs=["clip", "source", "source_prompt"])
def clip_directional(subject: Subject, models: MetricModels) -> Reading:
    """Cosine of the edit's direction in images (source to result) with that in texts (source prompt to prompt).

    Gal et al., "StyleGAN-NADA", 2021.
    """
    import numpy as np

    assert subject.source is not None
    assert subject.source_prompt is not None
    wanted = models.clip.text(subject.prompt) - models.clip.text(subject.source_prompt)
    if float(np.linalg.norm(wanted)) <= SHORTEST:
        return Reading(None, reason="prompt and source prompt say the same: there is no direction")
    start = models.clip.image(subject.source)
    value, golden = (
        direction(models.clip.image(picture.image), start, wanted) for picture in (subject.candidate, subject.golden)
    )
    return Reading(value, golden)


@self_test("clip_directional", "an unchanged image follows no edit")
def _unchanged(models: MetricModels) -> bool | str:
    from sdqa.metrics import test_images as specimens

    one, other = specimens.drawn()[:2]
    start, end = models.clip.image(one.image), models.clip.image(other.image)
    wanted = models.clip.text(other.caption) - models.clip.text(one.caption)
    still, there, back = direction(start, start, wanted), direction(end, start, wanted), direction(start, end, wanted)
    return (still == 0 and there > 0 > back) or f"still {still:.3f}, there {there:.3f}, back {back:.3f}"
