"""What each lane of a plan is expected to take: as an earlier run measured it, else by the sizes of the models."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sdqa.bundle import Bundle, Lane, Run
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
        run = Bundle(measured).read()
        each = {record.id: _measured(record, known.get(record.id, set())) for record in run.lanes}
        fit = {name: seconds for name, seconds in each.items() if seconds is not None}
        # Loading, scoring and the rest belong to no lane alone: each bears its part, where all lanes are known.
        ran = [record.id for record in run.lanes if record.status != "skipped"]
        whole_s = _spent(run) if fit.keys() >= set(ran) else 0.0
        factor = max(1.0, whole_s / sum(fit.values())) if fit and sum(fit.values()) else 1.0
        found |= {name: seconds * factor for name, seconds in fit.items()}
    return found


def _spent(run: Run) -> float:
    """Seconds of the jobs behind a report; 0 where it does not say."""
    if run.cost is not None and run.cost.jobs:
        return 60 * run.cost.spent_minutes
    origin = run.provenance
    try:
        took = datetime.fromisoformat(origin.ended) - datetime.fromisoformat(origin.started) if origin else None
    except ValueError:
        took = None
    return max(0.0, took.total_seconds()) if took is not None else 0.0


def _measured(record: Lane, cases: set[str]) -> float | None:
    """Converting and drawing, where an earlier run did all of it and replayed nothing."""
    drawn = {sample.case: sample.seconds for sample in record.samples}
    if not cases or set(drawn) != cases or any(seconds is None for seconds in drawn.values()):
        return None
    converted = [package.facts.conversion_seconds for package in record.packages]
    if any(seconds is None for seconds in converted):
        return None
    return sum(seconds or 0.0 for seconds in (*drawn.values(), *converted))
