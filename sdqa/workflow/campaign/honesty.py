"""Clean runs from fresh noise: how often does the gate fail what is sound?

A tolerance states its false alarms for noise like the one it was measured with. Here every run draws other noise: the
teacher draws the references anew, the sound candidate is measured against them, and the committed tolerances judge it.
Whatever fails is a false alarm. Runs go through the store, so that an interrupted measurement goes on where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from sdqa.bundle import Bundle, Lane
from sdqa.bundle.environment import environment
from sdqa.bundle.honesty import CleanRun, FalseAlarms, Honesty, Kind
from sdqa.errors import EXIT_PASS
from sdqa.gate import judge
from sdqa.gate.standards import Standards
from sdqa.gate.statistics import exact_interval
from sdqa.gate.tail import CaseKind, kinds_of
from sdqa.plan import reseeded
from sdqa.store import code_digest
from sdqa.workflow import measure_lane
from sdqa.workflow.campaign.stage import CampaignLane, CampaignSettings, failing_checks
from sdqa.workflow.gate import exit_code, lane_budgets, planned_checks
from sdqa.workflow.job import Job
from sdqa.workflow.record import record

FRESH = 104_729
"""Between the seeds of one run and the next. Calibration steps by 1000, the campaign by 7919: no run meets them."""


def measure_honesty(
    settings: CampaignSettings, runs: int, first: int = 1, say: Callable[[str], None] = lambda _: None
) -> Honesty:
    """Judge so many clean runs of a lane.

    Args:
        first: number of the first one; a number always has the same noise.

    Raises:
        GoldenMissing: the model has no tolerances, without which nothing can be judged.
        UsageError: no lane of that name runs on this machine.
    """
    stage = CampaignLane(settings)
    found: list[CleanRun] = []
    for done, index in enumerate(range(first, first + runs), 1):
        one = _run(stage, FRESH * index)
        found.append(one)
        say(f"[{done}/{runs}] {', '.join(one.failing) or 'silent'} ({one.seconds:.0f} s)")
    return Honesty(
        lane=stage.lane.id,
        stated=stage.tolerances.false_alarms,
        tolerances=stage.recorded,
        rates=tuple(rate(found, kind) for kind in get_args(Kind)),
        runs=tuple(found),
        environment=environment(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def rate(runs: Sequence[CleanRun], kind: Kind) -> FalseAlarms:
    """False alarms of one kind of case, or of whole runs."""
    if kind == "whole runs":
        alarms, total = sum(one.exit_code != EXIT_PASS for one in runs), len(runs)
    else:
        drawn = [name in one.alarms for one in runs for name, case in one.cases.items() if case == kind]
        alarms, total = sum(drawn), len(drawn)
    low, high = exact_interval(alarms, total)
    return FalseAlarms(kind=kind, alarms=alarms, total=total, low=low, high=high)


def _run(stage: CampaignLane, offset: int) -> CleanRun:
    plan = reseeded(stage.plan, offset)
    key: dict[str, object] = {
        "suite": plan.suite.model_dump(mode="json"),
        "lane": stage.lane.id,
        "cases": sorted(stage.lane.cases),
        "offset": offset,
        "tolerances": stage.recorded,
        "code": code_digest(__name__),
    }

    def build(folder: Path) -> None:
        start = time.perf_counter()
        lane = plan.lanes[0]
        measured = record(lane, measure_lane(Job(plan, stage.store, Bundle(stage.store.root)), lane))
        planned = planned_checks(plan, lane)
        kinds = kinds_of(lane.cases)
        standards = Standards(stage.tolerances, kinds=kinds)
        verdicts = judge(measured, standards, lane_budgets(plan, lane), planned=planned)
        judged = measured.model_copy(update={"verdicts": verdicts})
        code = exit_code(plan, [judged])
        one = clean_run(judged, kinds, offset, code, round(time.perf_counter() - start, 2))
        (folder / "run.json").write_text(one.model_dump_json(), encoding="utf-8")

    return CleanRun.model_validate_json((stage.store.memo("honesty", key, build).path / "run.json").read_bytes())


def clean_run(lane: Lane, kinds: Mapping[str, CaseKind], offset: int, code: int, seconds: float) -> CleanRun:
    """What a judged lane amounts to; a check that could not be made is as much an alarm as a failed one."""
    red = [verdict for verdict in lane.verdicts if verdict.status in ("fail", "not measured")]
    return CleanRun(
        offset=offset,
        cases=dict(kinds),
        failing=failing_checks(lane),
        alarms=tuple(name for name in kinds if any(verdict.case == name for verdict in red)),
        suspicious=tuple(v.check.removeprefix(f"{lane.id}/") for v in lane.verdicts if v.status == "suspicious"),
        exit_code=code,
        seconds=seconds,
    )
