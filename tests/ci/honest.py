"""A small checkout with three lanes, its judge, and bundles as honest machines would leave them."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sdqa.bundle import Bundle, Fingerprint, Lane, Measurement, Provenance, Run, Sample
from sdqa.ci.decide import Expected
from sdqa.ci.intake import Submitted
from sdqa.ci.judge import judge_of
from sdqa.ci.needs import JobResult
from sdqa.ci.plan import PlannedUnit, plan_of_record
from sdqa.plan import Plan, Suite, make_plan
from sdqa.workflow.gate import RULES

COMMIT = "c0ffee" * 6 + "c0ff"
CASES = ("cat", "dog", "fox")
LPIPS, PSNR, PARITY, MEMORY = 0.1, 30.0, 40.0, 1000
SUITE = f"""
schema_version = 1
name = "small"
goldens = "goldens"
[models.tiny]
source = "embedded:tiny"
[variants.fp16]
[variants.small]
compression = "palettize-6bit"
[[lanes]]
model = "tiny"
variants = ["fp16", "small"]
[[lanes]]
model = "tiny"
variants = ["fp16"]
runtime = "coreml"
compute_units = ["CPU_AND_NE"]
[metrics]
names = ["finite", "shape", "lpips", "psnr"]
[budgets]
model_memory_bytes = {MEMORY}
[limits]
lpips = {LPIPS}
psnr = {PSNR}
parity_psnr = {PARITY}
""" + "".join(f'[cases.{name}]\nprompt = "a {name}"\n' for name in CASES)
GOOD = {
    "lpips": (0.01, "lower"),
    "psnr": (50.0, "higher"),
    "parity_psnr": (60.0, "higher"),
    "model_memory_bytes": (100.0, "lower"),
}


@functools.cache
def plan(path: Path = Path("/nowhere/sdqa.toml"), text: str = SUITE) -> Plan:
    import tomllib

    return make_plan(Suite.model_validate(tomllib.loads(text)), path, platform="linux")


@functools.cache
def expected(*results: JobResult, commit: str = COMMIT) -> Expected:
    """What the gate of the checkout holds evidence against."""
    record = plan_of_record(plan(), RULES, commit=COMMIT)
    return Expected(record, judge_of(plan(), RULES), commit, results or (JobResult(job="lanes", result="success"),))


def measurements(unit: PlannedUnit, cases: Iterable[str] = CASES) -> tuple[Measurement, ...]:
    """One passing figure for every planned check that is not a statistic."""
    found = []
    for check in unit.checks:
        scope, _, metric = check.removeprefix(f"{unit.lane}/").rpartition("/")
        value, better = GOOD.get(metric, (1.0, "higher"))
        facts: dict[str, Any] = {"metric": metric, "value": value, "better": better}
        if scope in CASES:
            facts["case"] = scope
        elif scope not in ("all", "budget"):
            facts["component"] = scope
        if scope != "all" and (scope not in CASES or scope in cases):
            found.append(Measurement(**facts))
    return tuple(found)


def lane_of(unit: PlannedUnit, cases: Iterable[str] = CASES, **fields: Any) -> Lane:
    cases = tuple(cases)
    lane = Lane(
        id=unit.lane,
        model=unit.model,
        variant=unit.variant,
        runtime=unit.runtime,
        compute_unit=unit.compute_unit,
        fingerprint=Fingerprint(system=unit.system or "Linux"),
        samples=tuple(Sample(case=case, image_digest=case) for case in cases),
        measurements=measurements(unit, cases),
        planned=unit.checks,
    )
    return judged(lane.model_copy(update=fields))


def judged(lane: Lane) -> Lane:
    """With the verdicts that the machine itself would give."""
    return lane.model_copy(update={"verdicts": expected().judge.verdicts(lane)})


def skipped(unit: PlannedUnit) -> Lane:
    return lane_of(unit, measurements=(), samples=(), status="skipped", planned=()).model_copy(update={"verdicts": ()})


def run_of(*lanes: Lane, origin: dict[str, Any] | None = None, **fields: Any) -> Run:
    """A bundle's run with the suite's other lanes as skipped."""
    record = expected().plan
    names = {lane.id for lane in lanes}
    others = tuple(skipped(unit) for unit in record.units if unit.lane not in names)
    said = {"commit": COMMIT, "judge_digest": record.judge_digest, "job": "lanes", "run_id": "7"}
    run = Run(
        sdqa_version=record.sdqa_version,
        suite=record.suite,
        suite_digest=record.suite_digest,
        created="2026-01-01T00:00:00Z",
        lanes=(*lanes, *others),
        planned_checks=sum(len(lane.planned) for lane in lanes),
        provenance=Provenance(**{**said, **(origin or {})}),
    )
    return run.model_copy(update=fields)


def units() -> tuple[PlannedUnit, PlannedUnit, PlannedUnit]:
    one, two, three = expected().plan.units
    return one, two, three


def linux(**fields: Any) -> Run:
    one, two, _ = units()
    return run_of(lane_of(one), lane_of(two), **fields)


def mac(**fields: Any) -> Run:
    return run_of(lane_of(units()[2]), **fields)


def sent(*runs: Run | str) -> list[Submitted]:
    """Bundles as they arrive; a text is why one cannot be read."""
    found = []
    for number, run in enumerate(runs):
        bundle = Bundle(Path(f"/nowhere/{number}"))
        found.append(
            Submitted(f"bundle-{number}", bundle, None, run)
            if isinstance(run, str)
            else Submitted(f"bundle-{number}", bundle, run)
        )
    return found


def with_lane(run: Run, name: str, **fields: Any) -> Run:
    """A run in which one lane's record says something else."""
    lanes = tuple(lane.model_copy(update=fields) if lane.id == name else lane for lane in run.lanes)
    return run.model_copy(update={"lanes": lanes})


def with_origin(run: Run, **fields: Any) -> Run:
    assert run.provenance is not None
    return run.model_copy(update={"provenance": run.provenance.model_copy(update=fields)})
