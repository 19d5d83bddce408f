"""PSNR of the final latents: sees the denoiser without the decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.metrics.psnr import signal_to_noise
from sdqa.metrics.registry import Reading, metric, self_test

if TYPE_CHECKING:
    from sdqa.metrics.subject import Subject

CEILING = 150.0
"""dB: what identical latents score; float32 rounding alone reads about 140."""

OTHER = 0.0
"""dB: latents that are off by as much as the golden's largest magnitude, everywhere. Those of other noise reach more,
but no golden is safe from such an error; beyond it only what grows without end is worse."""


@metric(
    "latent_psnr",
    unit="dB",
    better="higher",
    valid=(-CEILING, CEILING),
    attainable=OTHER,
    peak="reference",
    ceiling=CEILING,
    compares=True,
)
def latent_psnr(subject: Subject) -> Reading:
    """PSNR of the final latents against the golden's; the peak is the golden's largest magnitude."""
    return Reading(signal_to_noise(subject.golden.latents, subject.candidate.latents, ceiling=CEILING))


@self_test("latent_psnr", "Inf is not a pass")
def _inf() -> bool | str:
    import numpy as np

    spoilt = np.ones((4, 8, 8), np.float32)
    spoilt[0, 0, 0] = np.inf
    found = signal_to_noise(np.ones((4, 8, 8), np.float32), spoilt, ceiling=CEILING)
    return bool(np.isnan(found)) or f"{found}"
