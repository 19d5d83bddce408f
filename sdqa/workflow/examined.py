"""What a diagnosis starts from: the checks of a lane that failed, and the cases to look at for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sdqa.bundle import Lane
from sdqa.plan import Case, PlannedLane
from sdqa.workflow.gate import lane_budgets, lane_standards, planned_checks
from sdqa.workflow.job import Job
from sdqa.workflow.record import record

CASES = 4
"""How many are looked at; more make intervals narrower and cost time."""


@dataclass(frozen=True)
class Failed:
    """What the gate found wrong with a lane, budgets apart."""

    checks: tuple[str, ...] = ()  # without the lane's name
    cases: frozenset[str] = frozenset()
    components: frozenset[str] = frozenset()


def failed_in(lane: Lane, checks: Collection[str] | None = None) -> Failed:
    """What failed in a judged lane.

    Args:
        checks: only these; None for all.
    """
    red = [
        verdict
        for verdict in lane.verdicts
        if verdict.status == "fail" and "/budget/" not in verdict.check and (checks is None or verdict.check in checks)
    ]
    return Failed(
        checks=tuple(verdict.check.removeprefix(f"{lane.id}/") for verdict in red),
        cases=frozenset(verdict.case for verdict in red if verdict.case),
        components=frozenset(verdict.component for verdict in red if verdict.component),
    )


def failed_now(job: Job, lane: PlannedLane, packages: Path | None = None) -> Failed:
    """What fails in a lane, measured now, or read from the store where it was measured before.

    An uncompressed component that is too far from the teacher to calibrate around counts, whatever the limits say.

    Args:
        packages: a folder of packages that take the place of the lane's own.
    """
    from sdqa.gate import judge
    from sdqa.workflow import measure_lane
    from sdqa.workflow.calibrate import unsound

    if packages is not None:
        own = lane.model.reference or lane.model.source
        model = lane.model.model_copy(update={"source": f"packages:{packages}", "reference": own})
        lane = replace(lane, model=model)
    measured = record(lane, measure_lane(job, lane))
    standards = lane_standards(job.plan, lane)
    verdicts = judge(measured, standards, lane_budgets(job.plan, lane), planned=planned_checks(job.plan, lane))
    found = failed_in(measured.model_copy(update={"verdicts": verdicts}))
    far = unsound(measured) if lane.variant.compression is None else {}
    more = [f"{name}/parity_psnr" for name in sorted(far) if f"{name}/parity_psnr" not in found.checks]
    return replace(found, checks=(*found.checks, *more), components=found.components | set(far))


def cases_to_look_at(cases: Mapping[str, Case], failed: Failed, image_only: Iterable[str] = ()) -> tuple[str, ...]:
    """The cases that failed, text-to-image ones too; where none did by itself, some of every kind.

    Args:
        cases: of the lane, in the suite's order.
        image_only: components that only image-to-image runs; when one of them failed, a case must run it.
    """
    failing = [name for name in cases if name in failed.cases]
    chosen = set(_of_both_kinds(cases, failing or list(cases)))
    with_source = [name for name in cases if cases[name].source is not None]
    if failed.components & set(image_only) and not chosen & set(with_source):
        chosen |= set(with_source[:1])
    return tuple(name for name in cases if name in chosen)


def _of_both_kinds(cases: Mapping[str, Case], names: Sequence[str]) -> list[str]:
    """At most `CASES` of the names, evenly spaced, of image-to-image and text-to-image as many as there are."""
    if len(names) <= CASES:
        return list(names)
    photos = [name for name in names if cases[name].source is not None]
    texts = [name for name in names if cases[name].source is None]
    few = min(len(texts), max(1, round(CASES * len(texts) / len(names)))) if texts else 0
    few = min(few, CASES - 1) if photos else CASES
    return [*_spread(photos, CASES - few), *_spread(texts, few)]


def _spread(names: Sequence[str], count: int) -> list[str]:
    return list(names[:: max(1, len(names) // count)][:count]) if count else []
