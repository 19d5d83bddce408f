"""What a plan is judged by: how many of its limits are known."""

from __future__ import annotations

from dataclasses import dataclass

from sdqa.errors import SdqaError
from sdqa.gate import Tolerances
from sdqa.gate.baseline import METRICS as BASELINE_METRICS
from sdqa.gate.evidence import HARD
from sdqa.gate.stated import EXECUTION_CHECKS
from sdqa.plan import Plan, PlannedLane
from sdqa.plan.suite import TEACHER_NOW
from sdqa.workflow.gate import planned_checks, read_tolerances
from sdqa.workflow.preflight.manifests import RecordedManifests
from sdqa.workflow.preflight.record import Lack, Look, Note, some


@dataclass(frozen=True)
class LimitPlace:
    """By what a lane's limits are looked up."""

    variant: str
    runtime: str
    compute_unit: str

    @classmethod
    def of(cls, lane: PlannedLane) -> LimitPlace:
        """A planned lane's."""
        return cls(lane.variant.name, lane.runtime, lane.compute_unit)


def look_at_limits(plan: Plan, cost: str, recorded: RecordedManifests | None = None) -> Look:
    """How many of the statistical checks have a limit: calibrated, or stated in the suite.

    Args:
        cost: what a calibration costs, in words.
    """
    manifests = recorded or RecordedManifests(plan.goldens)
    wanted, missing, failures, others = 0, dict[str, None](), dict[str, None](), dict[str, None]()
    for lane in plan.running:
        tolerances, refused = read_tolerances(plan, lane)
        failures.update(dict.fromkeys(failure.message for failure in refused if failure.code != "SDQA-600"))
        others.update(dict.fromkeys(_other_teachers(plan, lane, tolerances, manifests) if tolerances else ()))
        for metric, component in _limited(plan, lane):
            wanted += 1
            if tolerances is None or tolerances.find(LimitPlace.of(lane), metric, component) is None:
                where = metric if component is None else f"{component}/{metric}"
                missing[f"{lane.variant.name}: {where}"] = None
    if failures:
        return Look(lacks=tuple(Lack("limits", text, "correct [limits]", in_suite=True) for text in failures))
    said = f"{wanted - len(missing)} of {wanted} are known"
    lacks = [Lack("limits", text, f"sdqa calibrate --reason '…' ({cost})") for text in others]
    if missing:
        command = f"sdqa calibrate ({cost}), or state them in [limits] where they compare with the teacher"
        lacks.append(Lack("limits", f"{said}; missing: {some(missing)}", command))
    return Look(() if lacks else (Note("limits", said),), tuple(lacks))


def _other_teachers(plan: Plan, lane: PlannedLane, tolerances: Tolerances, recorded: RecordedManifests) -> list[str]:
    """Why a lane's limits do not count: its goldens are of another teacher than they were measured with."""
    drawn: dict[str, None] = {}
    for name in lane.cases if plan.suite.goldens != TEACHER_NOW else ():
        try:
            drawn[recorded.manifest(f"{lane.model_name}/{name}").teacher] = None
        except SdqaError:  # whoever looks at the goldens says so
            continue
    limited = [tolerances.find_with_teacher(LimitPlace.of(lane), *one) for one in _limited(plan, lane)]
    measured = dict.fromkeys(found[1] for found in limited if found is not None and found[1])
    return [
        f"{lane.model_name}: recalibrate: measured with another teacher ({old[:12]} → {new[:12]})"
        for new in drawn
        for old in measured
        if old != new
    ]


def _limited(plan: Plan, lane: PlannedLane) -> list[tuple[str, str | None]]:
    """The metrics of a lane's checks that need a limit, and the component where it is one's.

    What a baseline is held by, it brings along.
    """
    found: dict[tuple[str, str | None], None] = {}
    for check in planned_checks(plan, lane):
        scope, _, metric = check.removeprefix(f"{lane.id}/").rpartition("/")
        if scope != "budget" and metric not in HARD and metric not in BASELINE_METRICS:
            found[metric, scope if metric in EXECUTION_CHECKS else None] = None
    return list(found)
