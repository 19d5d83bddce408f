"""The goldens of a lane's cases, as recorded, or drawn now where the suite wants that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.bundle import Failure
from sdqa.errors import GoldenBelowFloor, GoldenStale, SdqaError
from sdqa.gate import large_files
from sdqa.gate.codec import array_digest
from sdqa.gate.goldens import Golden, read_golden, stale_reasons
from sdqa.plan import PlannedLane
from sdqa.plan.suite import TEACHER_NOW
from sdqa.store import code_digest, digest_of
from sdqa.workflow.failure import failure_of
from sdqa.workflow.floors import MEND, below_floors
from sdqa.workflow.job import Job

if TYPE_CHECKING:
    from sdqa.models import Teacher


@dataclass(frozen=True)
class References:
    """What there is to compare with; a missing or stale golden is a failure of its case alone."""

    goldens: Mapping[str, Golden] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()


def read_references(job: Job, lane: PlannedLane, teacher: Teacher) -> References:
    """The goldens of a lane's cases by name."""
    from sdqa.generate.inputs import case_inputs
    from sdqa.generate.schedule import planned_schedule
    from sdqa.generate.schedulers import drawn_as_ever
    from sdqa.generate.sources import changed_picture
    from sdqa.metrics import MetricModels

    job.progress.step(f"{lane.id}: references")
    plan, store = job.plan, job.store
    live = plan.suite.goldens == TEACHER_NOW
    chosen = plan.suite.metrics
    identities = MetricModels(clip=chosen.clip, lpips=chosen.lpips).identity(chosen.names)
    goldens: dict[str, Golden] = {}
    failures: list[Failure] = []
    for name, case in lane.cases.items():
        try:
            folder = _drawn_now(job, lane, teacher, name) if live else plan.goldens / lane.model_name / name
            golden = read_golden(folder, place=str(folder.parent / "large") if live else large_files.DEFAULT_PLACE)
            planned = planned_schedule(case, teacher, store)
            silent = not golden.manifest.scheduler and drawn_as_ever(case.scheduler, planned.settings)
            reasons = stale_reasons(
                golden,
                teacher_digest=teacher.digest,
                metric_identities=identities,
                case=case_inputs(case, teacher.facts),
                timesteps=planned.timesteps,
                scheduler=None if silent else planned.settings,
            )
            if case.source is not None:
                reasons += filter(None, [changed_picture(case.source, golden.source, plan.root, case.background)])
            if reasons:
                hint = f"renew it: nox -s goldens -- --case {name} --reason '…'"
                raise GoldenStale("; ".join(reasons), where=str(folder), hint=hint)
            if below := below_floors(plan, case, golden.manifest.scores):
                raise GoldenBelowFloor(
                    f"the golden is below the floor: {'; '.join(below)}", where=str(folder), hint=MEND
                )
        except SdqaError as error:
            failures.append(failure_of("golden", name, error))
        else:
            goldens[name] = golden
    return References(goldens, tuple(failures))


def _drawn_now(job: Job, lane: PlannedLane, teacher: Teacher, case: str) -> Path:
    """A golden that lives in the store and guards nothing but this candidate."""
    from sdqa.generate.sources import load_source
    from sdqa.generate.stage import teacher_execution
    from sdqa.metrics import MetricModels
    from sdqa.workflow.goldens import draw_golden

    planned, chosen, root = lane.cases[case], job.plan.suite.metrics, job.plan.root
    size = teacher.facts.image_size
    picture = None if planned.source is None else load_source(planned.source, size, root, planned.background)
    key = {
        "model": lane.model_name,  # two may have the same teacher, and each finds its golden under its own name
        "teacher": teacher.digest,
        "case": planned.model_dump(mode="json"),
        "source": None if picture is None else array_digest(picture),
        "metrics": digest_of(MetricModels(clip=chosen.clip, lpips=chosen.lpips).identity(chosen.names)),
        "execution": teacher_execution(),
        "code": code_digest("sdqa.workflow.goldens"),
    }

    def build(folder: Path) -> None:
        draw_golden(folder / lane.model_name / case, job.plan, teacher, case, job.store)

    entry = job.store.memo("golden", key, build)
    return entry.path / lane.model_name / case
