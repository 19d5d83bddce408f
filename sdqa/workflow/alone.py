"""Stages alone, for `sdqa convert`, `generate` and `score`: each takes what the ones before it left in the store."""

from __future__ import annotations

from dataclasses import dataclass, field

from sdqa.errors import worst
from sdqa.plan import PlannedLane
from sdqa.plan.quantity import show_bytes, show_seconds
from sdqa.workflow import Stage, measure_lane
from sdqa.workflow.job import Job
from sdqa.workflow.lane import Collected


@dataclass(frozen=True)
class StageRun:
    """What the stages up to one did in every lane."""

    lines: list[str] = field(default_factory=list)  # for people
    lanes: dict[str, object] = field(default_factory=dict)  # for machines: records as JSON has them, by lane
    failures: list[str] = field(default_factory=list)
    exit_code: int = 0


def run_stage(last: Stage, job: Job) -> StageRun:
    """Run the stages up to one for every lane of a plan."""
    found = [(lane, measure_lane(job, lane, last)) for lane in job.plan.running]
    failures = [failure for _, one in found for failure in one.failures]
    return StageRun(
        lines=[line for lane, one in found for line in _lines(last, lane, one)],
        lanes={lane.id: _data(last, one) for lane, one in found},
        failures=[failure.message for failure in failures],
        exit_code=worst(failure.exit_code for failure in failures),
    )


def _lines(last: Stage, lane: PlannedLane, found: Collected) -> list[str]:
    if last == "convert":
        return [
            f"{lane.id:32} {component:14} {show_bytes(package.record.bytes):>9} "
            f"{package.record.operations:5} operations "
            f"{'converted' if package.fresh else 'from the store'}  {package.path}"
            for component, package in found.packages.by_component.items()
        ]
    if last == "generate":
        return [
            f"{lane.id:32} {case:28} {show_seconds(sample.record.end_to_end_s):>8}  {sample.folder / 'image.png'}"
            for case, sample in found.samples.by_case.items()
        ]
    return [
        f"{lane.id:32} {measurement.case or measurement.component or 'all':28} {measurement.metric:22} "
        f"{'not measured' if measurement.value is None else f'{measurement.value:.4g} {measurement.unit}'}"
        for measurement in found.scores.measurements
    ]


def _data(last: Stage, found: Collected) -> object:
    if last == "convert":
        packages = found.packages.by_component.items()
        return {component: package.record.model_dump(mode="json") for component, package in packages}
    if last == "generate":
        return {case: sample.record.to_json() for case, sample in found.samples.by_case.items()}
    return [measurement.to_json() for measurement in found.scores.measurements]
