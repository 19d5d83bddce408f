"""What a checkout has recorded of pictures and latents, for those of a bundle to be held against as they arrive."""

from __future__ import annotations

from dataclasses import dataclass

from sdqa.ci.baseline_pictures import BaselinePictures, baseline_pictures_of
from sdqa.ci.golden_latents import GoldenLatents, golden_latents_of
from sdqa.plan import Plan


@dataclass(frozen=True)
class Recorded:
    """Readers; what they do not find is held against nothing."""

    latents: GoldenLatents = lambda *_: None
    baselines: BaselinePictures = lambda *_: None


NOTHING_RECORDED = Recorded()


def recorded_of(plan: Plan) -> Recorded:
    """Of a suite's models, lanes and cases."""
    return Recorded(golden_latents_of(plan), baseline_pictures_of(plan))
