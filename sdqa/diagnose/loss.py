"""The losses that are attributed: perceptual distance to the golden, prompt alignment, and error of the latents."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from sdqa.diagnose.evidence import Evidence, ExaminedCase
from sdqa.diagnose.harness import Drawn

Loss = Callable[[ExaminedCase, Drawn, Drawn], float]
"""Case, tested outcome, golden outcome → loss; 0 for the golden itself, larger is worse."""

NORMAL_LOSS: Mapping[str, float] = {"lpips": 0.002, "rms": 0.01, "latents": 0.05, "clip": 0.01}
"""What a sound conversion does not exceed in the mean over cases. fp16 packages of the embedded model stay below by
factors of 400 (LPIPS) and 20 (latents), 6-bit palettization by 3 and 2; see docs/diagnosis.md. It says nothing of
what a person would see: the campaigns' yardstick does (`sdqa.faults.yardstick`)."""


def losses(evidence: Evidence) -> dict[str, Loss]:
    """The losses that this evidence allows, the primary one first."""
    found: dict[str, Loss] = {}
    models = evidence.metrics
    if models is not None:

        def lpips(case: ExaminedCase, tested: Drawn, golden: Drawn) -> float:  # noqa: ARG001 - the loss's signature
            return float(models.lpips.distance(tested.image, golden.image))

        def clip(case: ExaminedCase, tested: Drawn, golden: Drawn) -> float:
            text = models.clip.text(case.request.prompt)
            score, expected = (float(models.clip.image(outcome.image) @ text) for outcome in (tested, golden))
            return expected - score

        found |= {"lpips": lpips, "clip": clip}
    else:
        found["rms"] = rms
    found["latents"] = lambda case, tested, golden: tested.latent_error(golden)  # noqa: ARG005
    return found


def rms(case: ExaminedCase, tested: Drawn, golden: Drawn) -> float:  # noqa: ARG001 - the loss's signature
    """Root mean square difference of the images, of full scale."""
    difference = tested.image.astype(np.float64) - golden.image
    return float(np.sqrt(np.mean(difference**2)) / 255)
