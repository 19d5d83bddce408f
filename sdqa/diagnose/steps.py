"""Steps: "too few steps" confirmed or refuted, and whether the candidate's error compounds with every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from sdqa.bundle.diagnosis import StepPoint, Sweep
from sdqa.diagnose.evidence import ExaminedCase, request_digest
from sdqa.diagnose.harness import Harness, with_steps
from sdqa.diagnose.loss import NORMAL_LOSS, losses
from sdqa.generate.pipeline import Glue

CONVERGED = 2.0
"""How much of a normal loss the teacher's own picture may still change with more steps."""
COMPOUNDS = 1.5
"""Growth of the latents' error from the fewest to the most steps above which it is said to compound."""


def steps(harness: Harness, *, progress: Callable[[str], None] | None = None) -> Sweep:
    """Teacher and candidate over the evidence's numbers of steps.

    The teacher's error is its distance to its own picture at the most steps; the candidate's is its distance to the
    teacher at the same number, so the two answer different questions.
    """
    evidence = harness.evidence
    cases = evidence.cases[: evidence.sweep_cases]
    wanted = sorted({*evidence.steps, *(case.request.steps for case in cases)})
    counts = tuple(count for count in wanted if all(leaves_a_step(case, count) for case in cases))
    key = {
        "cases": [[request_digest(case.request), request_digest(case.request_as_run)] for case in cases],
        "counts": list(counts),
        "candidates": {name: evidence.identities[name] for name in evidence.components},
        "glue": repr(evidence.glue),
        "metric": next(iter(losses(evidence))),
        "code": "steps",
    }
    return harness.remembered("steps", key, Sweep, lambda: _sweep(harness, counts, progress))


def leaves_a_step(case: ExaminedCase, count: int) -> bool:
    """Whether anything is drawn in so many steps: image-to-image skips the share that its strength leaves out."""
    requests = (case.request, case.request_as_run)
    return all(request.source is None or int(count * request.strength) >= 1 for request in requests)


def _sweep(harness: Harness, counts: tuple[int, ...], progress: Callable[[str], None] | None) -> Sweep:
    evidence = harness.evidence
    cases = evidence.cases[: evidence.sweep_cases]
    measured = losses(evidence)
    metric, primary = next(iter(measured.items()))
    most = counts[-1]
    teacher, candidate, latents = [], [], []
    for count in counts:
        if progress:
            progress(f"steps: {count}")
        own, against, drift = [], [], []
        for case in cases:
            final = harness.outcome(with_steps(case.request, most), Glue())
            reference = harness.outcome(with_steps(case.request, count), Glue())
            glue = evidence.glue or Glue()
            request = replace(case.request_as_run, steps=count)
            tested = harness.outcome(request, glue, frozenset(evidence.components))
            own.append(primary(case, reference, final))
            against.append(primary(case, tested, reference))
            drift.append(tested.latent_error(reference))
        teacher.append(StepPoint(steps=count, error=float(np.mean(own))))
        candidate.append(StepPoint(steps=count, error=float(np.mean(against))))
        latents.append(float(np.mean(drift)))
    used = cases[0].request.steps
    at_used = next(point.error for point in teacher if point.steps == used)
    growth = latents[-1] / max(latents[0], 1e-9)
    return Sweep(
        metric=metric,
        teacher=tuple(teacher),
        candidate=tuple(candidate),
        used=used,
        teacher_error_at_used=at_used,
        growth=growth,
        converged=at_used <= CONVERGED * NORMAL_LOSS[metric],
        compounds=growth > COMPOUNDS and latents[-1] > NORMAL_LOSS["latents"],
    )
