"""Clean runs of other machines, as further harmless conditions of a calibration.

What differs between two machines that run the same packages, instruction sets and libraries foremost, is noise that a
limit has to leave room for. A bundle brings the figures; nothing of it is executed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sdqa.bundle import Bundle, Lane
from sdqa.ci.examined import demand_examined
from sdqa.errors import UsageError
from sdqa.gate.approve import refuse_planted
from sdqa.gate.evidence import HARD
from sdqa.plan import Plan
from sdqa.workflow.calibrate import demand_sound, table_name

Harmless = dict[str, dict[str, list[Lane]]]
"""Table of a variant → condition → lanes."""


def with_elsewhere(harmless: Mapping[str, Mapping[str, list[Lane]]], plan: Plan, folders: Sequence[Path]) -> Harmless:
    """The conditions that were measured here, and those of clean runs of other machines.

    Args:
        harmless: as `sdqa.workflow.calibrate.measure` returns it.
        folders: bundles of those runs, by this suite.

    Raises:
        UsageError: a run has a planted fault, is not whole, is of another teacher or other metrics, has no lane of
            those that are calibrated, or the gate would refuse something in it.
        BundleError: a bundle cannot be read.
    """
    found: Harmless = {table: {name: list(lanes) for name, lanes in one.items()} for table, one in harmless.items()}
    for folder in folders:
        taken = 0
        for table, lane in _clean_lanes(plan, folder):
            if table not in found:
                continue
            _demand_comparable(lane, found[table], folder)
            found[table].setdefault(f"on {machine_of(lane)}", []).append(lane)
            taken += 1
        if not taken:
            known = ", ".join(sorted(found))
            raise UsageError(
                "no lane of the bundle is one that is calibrated", where=str(folder), hint=f"those: {known}"
            )
    return found


def machine_of(lane: Lane) -> str:
    """Where a lane ran, in words."""
    facts = lane.fingerprint
    words = [facts.processor or facts.machine, facts.system, *([facts.os_build] if facts.mac else [])]
    return ", ".join(word for word in words if word) or "a machine that it does not name"


def _clean_lanes(plan: Plan, folder: Path) -> Iterator[tuple[str, Lane]]:
    """The lanes of a bundle that this plan knows, with the table that their limits are in."""
    bundle = Bundle(folder)
    run = bundle.read()
    refuse_planted(run, folder)
    planned = {one.id: one for one in plan.lanes}
    for lane in run.lanes:
        if lane.status != "ran" or lane.id not in planned:
            continue
        if lane.failures:
            raise UsageError(
                f"a run that is not whole says nothing of noise: {lane.failures[0].message}", where=lane.id
            )
        broken = [v.check for v in lane.verdicts if v.metric in HARD and v.status == "fail"]
        if broken:
            raise UsageError(f"what is not whole is not noise: {', '.join(broken[:3])}", where=str(folder))
        if planned[lane.id].variant.compression is None:
            demand_sound(lane)
        demand_examined(bundle, run, [lane], plan)
        yield table_name(planned[lane.id]), lane


def _demand_comparable(lane: Lane, conditions: Mapping[str, Sequence[Lane]], folder: Path) -> None:
    here = next(one for lanes in conditions.values() for one in lanes)
    for what in ("teacher", "metrics"):
        if getattr(lane.fingerprint, what) != getattr(here.fingerprint, what):
            hint = "calibrate with runs of the same suite, by the same version of sdqa"
            raise UsageError(f"the run is of another {what.removesuffix('s')}", where=f"{folder}, {lane.id}", hint=hint)
    drawn = {one.case for one in lane.measurements if one.case is not None}
    missing = {one.case for one in here.measurements if one.case is not None} - drawn
    if missing:
        raise UsageError(f"the run lacks the cases {', '.join(sorted(missing))}", where=f"{folder}, {lane.id}")
