"""Chaotic cases: would the teacher itself draw another picture after a change that nobody could see?

At some seeds the denoising branches: a change of a thousandth in the noise moves the picture as much as a fault does. A
candidate cannot be held to such a picture, because harmless rounding moves it too; another seed can be chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sdqa.plan import Plan
from sdqa.store import Store

if TYPE_CHECKING:
    from sdqa.generate.pipeline import Request
    from sdqa.models import Teacher

DISTURBANCE = 1e-3
"""Relative change of the initial noise, and so of its size: what rounding adds in a few steps of half precision."""
SEED = 1009


@dataclass(frozen=True)
class Stability:
    """How far the teacher's picture moves under a disturbance that is too small to be seen."""

    metric: str  # `lpips`, or `rms` of full scale where the suite does not measure it
    moved: float
    normal: float  # what a sound conversion may move it

    @property
    def chaotic(self) -> bool:
        """Whether the picture moves by more than a sound conversion may move it."""
        return not self.moved <= self.normal

    def __str__(self) -> str:
        words = f"{self.metric.upper()} {self.moved:.2g} after a change of {DISTURBANCE:.1%} in its noise"
        return f"{words}, a sound conversion stays below {self.normal:.2g}"


def measure_stability(plan: Plan, teacher: Teacher, name: str, store: Store) -> Stability:
    """Draw a case twice, from its noise and from noise that differs by a thousandth."""
    import numpy as np

    from sdqa.diagnose.loss import NORMAL_LOSS
    from sdqa.generate.request import draw_noise, make_request
    from sdqa.generate.sources import load_source
    from sdqa.generate.stage import generate, teacher_components
    from sdqa.metrics import MetricModels

    case, chosen = plan.suite.cases[name], plan.suite.metrics
    source = None if case.source is None else load_source(case.source, teacher.facts.image_size, plan.root)
    request = make_request(case, draw_noise(case, teacher.facts), source)
    requests = {"plain": request, "disturbed": disturbed(request)}
    drawn = {key: one.image for key, one in generate(teacher, teacher_components(teacher), requests, store)}
    metric = "lpips" if "lpips" in chosen.names else "rms"
    if metric == "lpips":
        models = MetricModels(clip=chosen.clip, lpips=chosen.lpips)
        moved = float(models.lpips.distance(drawn["plain"], drawn["disturbed"]))
    else:
        moved = float(np.sqrt(np.mean((drawn["plain"].astype(np.float64) - drawn["disturbed"]) ** 2)) / 255)
    return Stability(metric, moved, NORMAL_LOSS[metric])


def disturbed(request: Request) -> Request:
    """The request from noise of the same distribution that differs by `DISTURBANCE`."""
    import numpy as np

    from sdqa.generate.noise import Noise

    channels, height, width = request.noise.initial.shape
    other = Noise.draw(SEED, (channels, height, width)).initial
    mixed = np.sqrt(1 - DISTURBANCE**2) * request.noise.initial + DISTURBANCE * other
    return replace(request, noise=replace(request.noise, initial=mixed.astype(np.float32)))
