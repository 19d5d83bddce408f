"""What a bundle says of itself: where it comes from, which lanes it left out and why, and what was only replayed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sdqa.bundle import Lane, Provenance
from sdqa.bundle.provenance import provenance
from sdqa.ci.judge import judge_digest
from sdqa.plan import Plan, make_plan
from sdqa.workflow.lane import Collected
from sdqa.workflow.record import record


def provenance_of(plan: Plan, started: str, lanes: Sequence[Lane], *, interrupted: bool) -> Provenance:
    """Where a run of these lanes comes from.

    Args:
        started: ISO 8601, UTC.
        lanes: those that ran, with the verdicts that were selected.
    """
    return provenance(
        plan.suite_path.parent,
        started=started,
        judge_digest=judge_digest(plan),
        narrowed=narrowings(lanes),
        interrupted=interrupted,
        replayed=[lane.id for lane in lanes if lane.replayed],
    )


def narrowings(lanes: Iterable[Lane]) -> tuple[str, ...]:
    """Which lanes answer less than they were to, in words."""
    found = []
    for lane in lanes:
        answered = {verdict.check for verdict in lane.verdicts}
        kept = sum(check in answered for check in lane.planned)
        if kept < len(lane.planned):
            found.append(f"{kept} of {len(lane.planned)} checks of {lane.id} were selected")
    return tuple(found)


def left_out(plan: Plan, ran: Iterable[Lane], *, interrupted: bool = False) -> tuple[Lane, ...]:
    """The suite's lanes that did not run, as skipped, with the reason: what no bundle names, nobody would miss."""
    known = {lane.id for lane in ran}
    planned = {lane.id: lane for lane in plan.lanes}
    others = []
    for lane in make_plan(plan.suite, plan.suite_path).lanes:
        if lane.id in known:
            continue
        reason = planned[lane.id].skip_reason if lane.id in planned else "not asked for (--lane)"
        if not reason:
            reason = "interrupted before it ran" if interrupted else "none of its checks ran"
        others.append(record(lane).model_copy(update={"reason": reason}))
    return tuple(others)


def is_replayed(found: Collected) -> bool:
    """Whether every sample was in the store before this run; one that was drawn again for its times was, too."""
    samples = found.samples.by_case.values()
    return bool(samples) and all(not sample.fresh or sample.repeated is not None for sample in samples)
