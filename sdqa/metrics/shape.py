"""Whether the candidate has the golden's shape: nothing can be compared before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.metrics.registry import Reading, metric

if TYPE_CHECKING:
    from sdqa.metrics.subject import Subject


def difference(subject: Subject) -> str:
    """What has another shape than in the golden, in words; empty when nothing has."""
    pairs = {
        "image": (subject.candidate.image.shape, subject.golden.image.shape),
        "latents": (subject.candidate.latents.shape, subject.golden.latents.shape),
    }
    return "; ".join(f"{name} {found}, golden {wanted}" for name, (found, wanted) in pairs.items() if found != wanted)


@metric("shape", unit="", better="higher", valid=(0, 1))
def shape(subject: Subject) -> Reading:
    """1 when image and latents have the golden's shape, otherwise 0, which fails."""
    problem = difference(subject)
    return Reading(0.0 if problem else 1.0, golden=1.0, reason=problem)
