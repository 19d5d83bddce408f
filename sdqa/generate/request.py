"""From a planned case to a request: everything resolved, so that nothing is left to chance or to the clock."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sdqa.errors import UsageError
from sdqa.generate.noise import Noise
from sdqa.generate.pipeline import Request
from sdqa.models.teacher import Facts
from sdqa.plan import Case


def draw_noise(case: Case, facts: Facts) -> Noise:
    """The noise of a new golden."""
    return Noise.draw(case.seed, (facts.latent_channels, facts.sample_size, facts.sample_size))


def make_request(case: Case, noise: Noise, source: npt.NDArray[np.uint8] | None) -> Request:
    """A case with its recorded noise and source picture."""
    if (source is None) != (case.source is None):
        raise UsageError("the golden's source picture and the case disagree", hint="renew the golden")
    return Request(
        prompt=case.prompt,
        negative_prompt=case.negative_prompt,
        source=source,
        strength=case.strength,
        guidance_scale=case.guidance_scale,
        steps=case.steps,
        scheduler=case.scheduler,
        noise=noise,
    )
