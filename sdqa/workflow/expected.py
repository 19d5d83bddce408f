"""What each lane of a plan is expected to take: as an earlier run measured it, else by the sizes of the models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sdqa.bundle import Bundle, Lane
from sdqa.plan import Plan, make_plan
from sdqa.workflow.preflight.cost import estimate
from sdqa.workflow.preflight.models import look_at_models


def expected_seconds(plan: Plan, measured: Path | None = None) -> dict[str, float]:
    """Lane → seconds for all its cases with nothing in the store; lanes of which nothing is known are left out.

    Args:
        measured: the bundle of an earlier run.

    Raises:
        BundleError: it cannot be read.
    """
    whole = make_plan(plan.suite, plan.suite_path, platform="darwin")  # where every lane runs
    found: dict[str, float] = {}
    models, _ = look_at_models(whole)
    for lane in whole.lanes:
        cost = estimate(replace(whole, lanes=(replace(lane, skip_reason=""),)), models)
        if cost is not None:
            found[lane.id] = cost.seconds
    if measured is not None:
        known = {lane.id: set(lane.cases) for lane in whole.lanes}
        for record in Bundle(measured).read().lanes:
            seconds = _measured(record, known.get(record.id, set()))
            if seconds is not None:
                found[record.id] = seconds
    return found


def _measured(record: Lane, cases: set[str]) -> float | None:
    """Converting and drawing, where an earlier run did all of it and replayed nothing."""
    drawn = {sample.case: sample.seconds for sample in record.samples}
    if not cases or set(drawn) != cases or any(seconds is None for seconds in drawn.values()):
        return None
    converted = [package.facts.conversion_seconds for package in record.packages]
    if any(seconds is None for seconds in converted):
        return None
    return sum(seconds or 0.0 for seconds in (*drawn.values(), *converted))
