"""What the diagnosis names for a planted fault, and whether that is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.bundle.sensitivity import NamedCause, Pair, Trial
from sdqa.errors import SdqaError
from sdqa.faults import Injection
from sdqa.plan import PlannedLane
from sdqa.workflow.examined import Failed
from sdqa.workflow.job import Job

if TYPE_CHECKING:
    from sdqa.diagnose import Diagnosis

GLUE = frozenset({"glue", "scheduler"})
"""Places that are one to the diagnosis: everything between the components."""
GLUE_STAGES = frozenset({"glue", "steps"})


def attribute(fault: Injection, trial: Trial, job: Job, lane: PlannedLane) -> NamedCause:
    """Diagnose a lane with a fault in it, and compare what is named with what was planted."""
    from sdqa.workflow.diagnose import diagnose_lane

    try:
        found = diagnose_lane(job, lane, cases=tuple(lane.cases), sweep=False, failed=Failed(trial.failing))
    except Exception as error:  # an instrument that crashes has not named the fault; the other trials go on
        return NamedCause(component_right=False, stage_right=False, verdict=_words(error))
    return compare(fault, trial, found)


def attribute_both(pair: Pair, job: Job, lane: PlannedLane) -> Pair:
    """Diagnose a lane with several faults in it, and see whether all their places are named."""
    from sdqa.workflow.diagnose import diagnose_lane

    try:
        found = diagnose_lane(job, lane, cases=tuple(lane.cases), sweep=False, failed=Failed(pair.failing))
    except Exception as error:  # as above
        return pair.model_copy(update={"both_named": False, "verdict": _words(error)})
    named = tuple(dict.fromkeys(cause.component for cause in found.causes))
    expected = {place_of(component) for component in pair.components}
    return pair.model_copy(
        update={"named": named, "both_named": expected <= set(named), "verdict": found.verdict},
    )


def compare(fault: Injection, trial: Trial, found: Diagnosis) -> NamedCause:
    """Whether the first cause that a diagnosis names is the fault that was planted."""
    if not found.causes:
        return NamedCause(component_right=False, stage_right=False, verdict=found.verdict)
    cause = found.causes[0]
    expected = place_of(fault.component)
    stages = GLUE_STAGES if fault.stage == "glue" else {fault.stage}
    operation: bool | None = None
    if trial.culprit_operation or trial.culprit_weight:
        named = {cause.operation, cause.weight} - {""}
        operation = bool(named & {trial.culprit_operation, trial.culprit_weight})
    return NamedCause(
        component=cause.component,
        stage=cause.stage,
        operation=cause.operation,
        weight=cause.weight,
        component_right=cause.component == expected,
        stage_right=cause.stage in stages,
        operation_right=operation,
        verdict=found.verdict,
    )


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, SdqaError) else f"crashed: {type(error).__name__}: {error}"


def place_of(component: str) -> str:
    """What a diagnosis calls it."""
    return "glue" if component in GLUE else component
