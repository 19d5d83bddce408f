"""Clean runs from fresh noise: how often does the gate fail what is sound?

A tolerance states its false alarms for noise like the one it was measured with. Here every run draws other noise: the
teacher draws the references anew, the sound candidate is measured against them, and the committed tolerances judge it.
Whatever fails is a false alarm. Runs go through the store, so that an interrupted measurement goes on where it stopped.

Where the teacher itself draws another picture after a change of a thousandth in its noise, `sdqa goldens` calls the
case chaotic and asks for another seed (`sdqa.workflow.stability`). It gets one here too, and how often is counted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from sdqa.bundle import Bundle, Lane
from sdqa.bundle.environment import environment
from sdqa.bundle.honesty import CleanRun, FalseAlarms, Honesty, Kind
from sdqa.errors import EXIT_PASS, UsageError
from sdqa.gate import judge
from sdqa.gate.standards import Standards
from sdqa.gate.statistics import exact_interval
from sdqa.gate.tail import CaseKind, kinds_of
from sdqa.plan import Plan, reseeded
from sdqa.store import code_digest
from sdqa.workflow import measure_lane
from sdqa.workflow.campaign.key import rests_on
from sdqa.workflow.campaign.stage import CampaignLane, CampaignSettings, failing_checks
from sdqa.workflow.gate import exit_code, lane_budgets, planned_checks
from sdqa.workflow.job import Job
from sdqa.workflow.record import record

OTHER_SEED = 15_485_863
"""Between a seed that is chaotic and the one that is taken for it; no other step comes near."""
TRIES = 5
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
        other = f", another seed for {' and '.join(one.replaced)}" if one.replaced else ""
        say(f"[{done}/{runs}] {', '.join(one.failing) or 'silent'}{other} ({one.seconds:.0f} s)")
    return table(stage, found, "fresh")


def table(stage: CampaignLane, runs: Sequence[CleanRun], noise: Literal["fresh", "recorded"]) -> Honesty:
    """The document of a lane's runs."""
    return Honesty(
        lane=stage.lane.id,
        noise=noise,
        stated=stage.tolerances.false_alarms,
        tolerances=stage.recorded,
        rates=tuple(rate(runs, kind) for kind in get_args(Kind)),
        runs=tuple(runs),
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
    plan, replaced = settled(reseeded(stage.plan, offset), partial(_chaotic, stage))
    key: dict[str, object] = {
        **rests_on(stage.plan, stage.lane, stage.teacher),
        "drawn": plan.suite.model_dump(mode="json"),
        "offset": offset,
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
        one = one.model_copy(update={"replaced": replaced})
        (folder / "run.json").write_text(one.model_dump_json(), encoding="utf-8")

    return CleanRun.model_validate_json((stage.store.memo("honesty", key, build).path / "run.json").read_bytes())


def settled(plan: Plan, chaotic: Callable[[Plan, str], bool]) -> tuple[Plan, tuple[str, ...]]:
    """The plan with another seed for every case that is chaotic, and which those are.

    Args:
        chaotic: whether a case of a plan is.

    Raises:
        UsageError: a case is chaotic at one seed after the other.
    """
    seeds: dict[str, int] = {}
    for name, case in plan.lanes[0].cases.items():
        tried = plan
        for attempt in range(TRIES):
            tried = _with_seeds(plan, {name: case.seed + OTHER_SEED * attempt})
            if not chaotic(tried, name):
                break
        else:
            hint = "ask for fewer steps, or for another scheduler"
            raise UsageError(f"the case {name} is chaotic at {TRIES} seeds, one after the other", hint=hint)
        if attempt:
            seeds[name] = tried.suite.cases[name].seed
    return _with_seeds(plan, seeds), tuple(seeds)


def _with_seeds(plan: Plan, seeds: Mapping[str, int]) -> Plan:
    cases = {
        name: case.model_copy(update={"seed": seeds.get(name, case.seed)}) for name, case in plan.suite.cases.items()
    }
    lanes = tuple(replace(lane, cases={name: cases[name] for name in lane.cases}) for lane in plan.lanes)
    return replace(plan, suite=plan.suite.model_copy(update={"cases": cases}), lanes=lanes)


def _chaotic(stage: CampaignLane, plan: Plan, name: str) -> bool:
    """What the recorder of goldens would say of a case; from the store where it was said before."""
    from sdqa.generate.stage import teacher_execution
    from sdqa.workflow.stability import measure_stability

    teacher = stage.teacher
    key: dict[str, object] = {
        "teacher": teacher.digest,
        "case": plan.suite.cases[name].model_dump(mode="json"),
        "metrics": plan.suite.metrics.model_dump(mode="json"),
        "execution": teacher_execution(),
        "code": code_digest("sdqa.workflow.stability"),
    }

    def build(folder: Path) -> None:
        found = measure_stability(plan, teacher, name, stage.store)
        (folder / "chaotic.json").write_text(json.dumps([found.chaotic, str(found)]), encoding="utf-8")

    return bool(json.loads((stage.store.memo("stability", key, build).path / "chaotic.json").read_bytes())[0])


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
