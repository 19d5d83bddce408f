"""Stages alone, for `sdqa convert`, `generate` and `score`: each takes what the ones before it left in the store."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from sdqa.bundle import Bundle
from sdqa.errors import SdqaError
from sdqa.plan import Plan, PlannedLane
from sdqa.plan.quantity import show_bytes, show_seconds
from sdqa.progress import Progress
from sdqa.store import Store
from sdqa.workflow.lane import Collected

ORDER = ("convert", "generate", "score")


def run_stage(name: str, plan: Plan, store: Path, fault: str | None, progress: Progress) -> dict[str, Any]:
    """Run the stages up to `name` for every lane of a plan.

    Returns:
        `lines` for people, `lanes` for machines, `failures`, and the `exit_code` they amount to.
    """
    from sdqa import workflow

    injection = None
    if fault is not None:
        from sdqa.faults import injection as find

        injection = find(fault)
    job = workflow.Job(plan, Store(store), Bundle(store.parent / "stages"), injection, progress)
    stages = [getattr(workflow, stage) for stage in ORDER[: ORDER.index(name) + 1]]
    lines, lanes, failures, codes = [], {}, [], [0]
    for lane in plan.running:
        evidence = Collected()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                teacher = workflow.load_teacher(job, lane)
                for stage in stages:
                    stage(job, lane, teacher, evidence)
            except SdqaError as error:
                evidence.failed(name, lane.id, error)
        lines += _lines(name, lane, evidence)
        lanes[lane.id] = _data(name, evidence)
        failures += [failure.message for failure in evidence.failures]
        codes += [failure.exit_code for failure in evidence.failures]
    return {"lines": lines, "lanes": lanes, "failures": failures, "exit_code": max(codes)}


def _lines(name: str, lane: PlannedLane, evidence: Collected) -> list[str]:
    if name == "convert":
        return [
            f"{lane.id:32} {component:14} {show_bytes(package.record.bytes):>9} "
            f"{package.record.operations:5} operations "
            f"{'converted' if package.fresh else 'from the store'}  {package.path}"
            for component, package in evidence.packages.items()
        ]
    if name == "generate":
        return [
            f"{lane.id:32} {case:28} {show_seconds(sample.record.end_to_end_s):>8}  {sample.folder / 'image.png'}"
            for case, sample in evidence.samples.items()
        ]
    return [
        f"{lane.id:32} {measurement.case or measurement.component or 'all':28} {measurement.metric:22} "
        f"{'not measured' if measurement.value is None else f'{measurement.value:.4g} {measurement.unit}'}"
        for measurement in evidence.measurements
    ]


def _data(name: str, evidence: Collected) -> Any:
    if name == "convert":
        return {component: package.record.model_dump(mode="json") for component, package in evidence.packages.items()}
    if name == "generate":
        return {case: sample.record.to_json() for case, sample in evidence.samples.items()}
    return [measurement.to_json() for measurement in evidence.measurements]
