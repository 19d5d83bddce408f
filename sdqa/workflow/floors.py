"""The suite's floors, held against what the teacher drew of a case."""

from __future__ import annotations

from collections.abc import Mapping

from sdqa.plan import Case, Plan

MEND = "mend the teacher, choose another seed, or lower $.floors in the suite"


def below_floors(plan: Plan, case: Case, scores: Mapping[str, float | None]) -> list[str]:
    """Where the teacher's own figures of a case do not reach the floors that apply to it, in words."""
    from sdqa.generate.sources import source_prompt
    from sdqa.metrics import offered
    from sdqa.metrics.floors import below

    guided = case.guidance_scale > 1
    offer = offered(case.prompt, source_prompt(case), has_source=case.source is not None, guided=guided)
    return below(plan.suite.floors, scores, offer)
