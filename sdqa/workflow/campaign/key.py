"""What every measurement of a campaign rests on: in each of their keys, so that nothing old answers for what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.plan import Plan, PlannedLane
from sdqa.store import tree_digest

if TYPE_CHECKING:
    from sdqa.models import Teacher


def rests_on(plan: Plan, lane: PlannedLane, teacher: Teacher) -> dict[str, object]:
    """The suite, the lane, its teacher, what is recorded of the model (goldens, limits, baselines), and the machine."""
    from sdqa.generate.stage import teacher_execution

    return {
        "suite": plan.suite.model_dump(mode="json"),
        "lane": lane.id,
        "cases": sorted(lane.cases),
        "teacher": teacher.digest,
        "recorded": tree_digest(plan.goldens / lane.model_name),
        "execution": teacher_execution(),
    }
