"""What each job of a plan is expected to take: as earlier jobs measured it, else by the sizes of the models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sdqa.bundle import Bundle, Lane, Run
from sdqa.ci.duration import Durations, LaneDuration
from sdqa.ci.intake import find_bundles
from sdqa.ci.learned import USUAL_START_S, Overhead, SeenJobs, learned
from sdqa.generate.traced import traced_cases
from sdqa.plan import Plan, PlannedLane, make_plan
from sdqa.plan.describe import unet_calls
from sdqa.plan.parts import ROLES, role_of, share_out
from sdqa.workflow.preflight.cost import TORCH_SHARE, lane_duration
from sdqa.workflow.preflight.models import look_at_models

AGAIN = 1 + TORCH_SHARE
"""Of a traced case's drawing, what comparing its components takes: candidate and teacher run its calls once more."""


def expected_durations(plan: Plan, measured: Sequence[Path] = ()) -> Durations:
    """What jobs take with nothing in the store; lanes of which nothing is known are left out.

    Args:
        measured: bundles of earlier jobs, reports of earlier gates, or folders that hold them.

    Raises:
        BundleError: one cannot be read.
    """
    whole = make_plan(plan.suite, plan.suite_path, platform="darwin")  # where every lane runs
    return durations_of(whole, [Bundle(place).read() for place in find_bundles(measured)])


def durations_of(plan: Plan, runs: Sequence[Run]) -> Durations:
    """The same, of runs that were read."""
    models, _ = look_at_models(plan)
    lanes = {lane.id: found for lane in plan.lanes if (found := lane_duration(lane, models[lane.model_name]))}
    seen = [_Seen.of(plan, run) for run in runs]
    overheads = {role: learned([one.jobs for one in seen if one.jobs and role in one.roles]) for role in ROLES}
    fitted = 0
    for lane in plan.lanes:
        found = _measured(lane, [one for run in runs for one in run.lanes if one.id == lane.id])
        if found is not None:
            overhead = overheads[role_of(lane)]
            case_s = overhead.case_s if overhead else 0.0
            lanes[lane.id] = LaneDuration(found.once_s, {name: one + case_s for name, one in found.cases_s.items()})
            fitted += 1
    start = {role: one.start_s if one else USUAL_START_S for role, one in overheads.items()}
    used = {role_of(lane) for lane in plan.lanes}
    words = _words({role: overheads[role] for role in ROLES if role in used}, fitted, len(lanes)) if lanes else ""
    return Durations(start, lanes, words)


def _words(overheads: Mapping[str, Overhead | None], fitted: int, known: int) -> str:
    usual = f"a usual start of {USUAL_START_S:g} s a job"
    starts: dict[str, list[str]] = {}
    for role, one in overheads.items():
        starts.setdefault(one.rests_on if one else usual, []).append(role)
    said = [words if len(starts) == 1 else f"{', '.join(roles)}: {words}" for words, roles in starts.items()]
    if fitted < known:
        said.insert(0, "the others by the sizes of their models" if fitted else "the sizes of the models")
    if fitted:
        said.insert(0, f"{fitted} of {known} lanes as they were measured")
    return "; ".join(said)


@dataclass(frozen=True)
class _Seen:
    """What one run tells of its jobs."""

    roles: frozenset[str]
    jobs: SeenJobs | None  # None where something was replayed, failed, carried, or planted: that is another work

    @classmethod
    def of(cls, plan: Plan, run: Run) -> _Seen:
        planned = {lane.id: lane for lane in plan.lanes}
        ran = [lane for lane in run.lanes if lane.status != "skipped"]
        roles = frozenset(role_of(planned[lane.id]) for lane in ran if lane.id in planned)
        count, spent = _spent(run)
        odd = run.fault is not None or run.diagnosis is not None or not ran or not spent
        if odd or not all(lane.id in planned and _is_usual(lane, planned[lane.id]) for lane in ran):
            return cls(roles, None)
        converted = _jobs_of_lanes([planned[lane.id] for lane in ran], count, len(roles))
        known = sum(
            converted[lane.id] * sum(one.facts.conversion_seconds or 0.0 for one in lane.packages)
            + sum(_drawn(lane, planned[lane.id]).values())
            for lane in ran
        )
        return cls(roles, SeenJobs(count, sum(len(lane.samples) for lane in ran), spent - known))


def _is_usual(record: Lane, lane: PlannedLane) -> bool:
    drawn = {sample.case for sample in record.samples}
    fresh = all(sample.seconds is not None for sample in record.samples)
    return record.status == "ran" and not record.carried and fresh and bool(drawn) and drawn <= lane.all_cases.keys()


def _jobs_of_lanes(lanes: Sequence[PlannedLane], count: int, roles: int) -> dict[str, int]:
    """How many of a run's jobs had cases of each lane: as shares are cut, where each role had the same number."""
    found = dict.fromkeys((lane.id for lane in lanes), 1)
    if roles and count % roles == 0 and count > roles:
        for role in ROLES:
            shares = share_out([lane for lane in lanes if role_of(lane) == role], count // roles)
            of_role = [part.lane for share in shares for part in share]
            found |= {lane: of_role.count(lane) for lane in of_role}
    return found


def _spent(run: Run) -> tuple[int, float]:
    """The jobs behind a report and their seconds; 0 where it does not say."""
    if run.cost is not None and run.cost.jobs:
        return run.cost.jobs, 60 * run.cost.spent_minutes
    origin = run.provenance
    try:
        took = datetime.fromisoformat(origin.ended) - datetime.fromisoformat(origin.started) if origin else None
    except ValueError:
        took = None
    return 1, max(0.0, took.total_seconds()) if took is not None else 0.0


def _drawn(record: Lane, lane: PlannedLane) -> dict[str, float]:
    """Case → its drawing, and comparing the components where it is traced; of those that were drawn in the run."""
    again = traced_cases({name: case.source is not None for name, case in lane.all_cases.items()})
    return {
        sample.case: sample.seconds * (1 + AGAIN if sample.case in again else 1)
        for sample in record.samples
        if sample.seconds is not None
    }


def _measured(lane: PlannedLane, records: Sequence[Lane]) -> LaneDuration | None:
    """Converting and drawing as earlier runs did it; a case that none drew by its U-Net calls. None: none drew any."""
    drawn: dict[str, list[float]] = {}
    for record in records:
        for case, seconds in _drawn(record, lane).items():
            if case in lane.cases:
                drawn.setdefault(case, []).append(seconds)
    known = {case: sum(seconds) / len(seconds) for case, seconds in drawn.items()}
    calls = {case: max(1, unet_calls(planned)) for case, planned in lane.cases.items()}
    if not known:
        return None
    a_call = sum(known.values()) / sum(calls[case] for case in known)
    converted = [each for record in records if (each := _converted(record)) is not None]
    once = sum(converted) / len(converted) if converted else 0.0
    return LaneDuration(once, {case: known.get(case, a_call * count) for case, count in calls.items()})


def _converted(record: Lane) -> float | None:
    """Seconds of all conversions, of an earlier run too; None where that is not known of each."""
    facts = [package.facts for package in record.packages]
    each = [
        one.replayed_conversion_seconds if one.conversion_seconds is None else one.conversion_seconds for one in facts
    ]
    return None if any(seconds is None for seconds in each) else sum(seconds or 0.0 for seconds in each)
