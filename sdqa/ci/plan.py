"""The plan of record: what a commit has to prove, written down before anything runs.

The gate holds the evidence against this document, never against what the evidence says of itself. It is a function of
the checkout alone: every machine and every run of one commit writes the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sdqa
from sdqa.bundle import Record, documents
from sdqa.bundle.provenance import work_tree
from sdqa.bundle.record import later
from sdqa.bundle.schema import DIALECT
from sdqa.ci.jobs import PlannedJob
from sdqa.ci.judge import Rules, judge_of
from sdqa.errors import BundleError
from sdqa.plan import Plan, PlannedLane, make_plan
from sdqa.plan.describe import unet_calls
from sdqa.plan.parts import ROLES, SYSTEMS, role_of

SCHEMA_VERSION = 1
SCHEMA_ID = f"urn:sdqa:plan:{SCHEMA_VERSION}"
PLAN_FILE = "plan.json"
MAX_PLAN_BYTES = 32 * 2**20


class PlannedUnit(Record):
    """What one job runs: a lane, or some of its cases."""

    id: str
    lane: str
    model: str
    variant: str
    runtime: str
    compute_unit: str
    role: str  # of the machine: any, mac, mac-ane
    labels: tuple[str, ...] = ()  # that a runner of this role has
    system: str = ""  # as `platform.system()` says it there; empty where any will do
    cases: tuple[str, ...]
    checks: tuple[str, ...]  # ids, in the order of the verdicts
    unet_calls: int
    skip_reason: str = ""  # why machines of other roles leave it out


class PlanOfRecord(Record):
    """The content of `plan.json`."""

    schema_version: int = SCHEMA_VERSION
    sdqa_version: str
    suite: str
    suite_digest: str
    judge_digest: str
    commit: str = ""  # empty where nobody knows
    base: str = ""
    units: tuple[PlannedUnit, ...]
    carried: tuple[str, ...] = later(())  # lanes that no job runs: earlier evidence stands, see `sdqa.ci.carried`
    jobs: tuple[PlannedJob, ...] = later(())  # who runs them; the evidence is held against the units alone
    durations_rest_on: str = later("")  # what the jobs' seconds are expected by, in words


def plan_of_record(plan: Plan, rules: Rules, *, commit: str = "", base: str = "") -> PlanOfRecord:
    """The plan of record of a suite.

    Args:
        plan: the suite; its choice of lanes and its machine do not matter, all lanes are planned.
        rules: what a lane has to answer, and how it is judged.
        commit: of the checkout; asked of git when empty.
        base: the commit that a change is compared with.
    """
    whole = make_plan(plan.suite, plan.suite_path, platform="linux")
    judge = judge_of(whole, rules)
    return PlanOfRecord(
        sdqa_version=sdqa.__version__,
        suite=plan.suite.name,
        suite_digest=whole.suite_digest,
        judge_digest=judge.digest,
        commit=commit or work_tree(plan.suite_path.parent)[0],
        base=base,
        units=tuple(_unit(lane, judge.checks[lane.id]) for lane in whole.lanes),
    )


def _unit(lane: PlannedLane, checks: tuple[str, ...]) -> PlannedUnit:
    role = role_of(lane)
    return PlannedUnit(
        id=lane.id,
        lane=lane.id,
        model=lane.model_name,
        variant=lane.variant.name,
        runtime=lane.runtime,
        compute_unit=lane.compute_unit,
        role=role,
        labels=ROLES[role],
        system=SYSTEMS[role],
        cases=tuple(lane.cases),
        checks=checks,
        unet_calls=sum(unet_calls(case) for case in lane.cases.values()),
        skip_reason=lane.skip_reason,
    )


def read_plan(path: Path) -> PlanOfRecord:
    """A plan of record from its file.

    Raises:
        BundleError: it is missing, too large, or does not follow its schema.
    """
    return documents.read(
        path,
        PlanOfRecord,
        BundleError,
        name="the plan of record",
        limit=MAX_PLAN_BYTES,
        missing="there is no plan of record here",
        hint="write it from the checkout: sdqa ci plan --output plan.json",
    )


def write_plan(path: Path, plan: PlanOfRecord) -> None:
    """Write a plan of record in one step."""
    documents.write(path, plan.to_json())


def plan_schema() -> dict[str, Any]:
    """The JSON Schema of plan.json."""
    schema = PlanOfRecord.model_json_schema(mode="serialization")
    version = {**schema["properties"]["schema_version"], "const": SCHEMA_VERSION}
    properties = {**schema["properties"], "schema_version": version}
    return {"$schema": DIALECT, "$id": SCHEMA_ID, **schema, "title": "sdqa plan.json", "properties": properties}


def plan_differences(given: PlanOfRecord, own: PlanOfRecord) -> list[str]:
    """Where a plan that was handed over is not the one that the checkout states, in words."""
    found = [
        f"{name}: {_short(getattr(given, name))}, the checkout says {_short(getattr(own, name))}"
        for name in ("sdqa_version", "suite", "suite_digest", "judge_digest", "commit")
        if getattr(given, name) != getattr(own, name)
    ]
    theirs, ours = {unit.id: unit for unit in given.units}, {unit.id: unit for unit in own.units}
    if len(theirs) != len(given.units):
        found.append("a unit is named twice")
    found += [f"unit {name} is missing" for name in ours if name not in theirs]
    found += [f"unit {name} is not in the suite" for name in theirs if name not in ours]
    found += [f"unit {name} is another" for name in ours if name in theirs and theirs[name] != ours[name]]
    return found


def _short(value: str) -> str:
    return value[:16] or "nothing"
