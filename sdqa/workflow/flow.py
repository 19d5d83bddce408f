"""The whole product on one screen: plan → examine → convert → generate → score → gate → report.

Each stage returns what it made of what the one before left in the store: it runs alone, and goes on where it stopped.
"""

from __future__ import annotations

from typing import Literal

from sdqa.bundle import Lane, Run
from sdqa.plan import PlannedLane
from sdqa.workflow.examination import examine
from sdqa.workflow.film import filmed
from sdqa.workflow.gate import gate
from sdqa.workflow.job import Job
from sdqa.workflow.lane import Collected, collecting
from sdqa.workflow.references import read_references
from sdqa.workflow.report import report
from sdqa.workflow.stages import convert, generate, load_teacher, score

Stage = Literal["convert", "generate", "score"]


def run(job: Job) -> Run:
    """All lanes that run on this machine, and the report on them."""
    return report(job, [run_lane(job, lane) for lane in job.plan.running])


def run_lane(job: Job, lane: PlannedLane) -> Lane:
    """One lane from beginning to end."""
    found = measure_lane(job, lane)
    return filmed(job, lane, found, gate(job, lane, found))


def measure_lane(job: Job, lane: PlannedLane, last: Stage = "score", into: Collected | None = None) -> Collected:
    """Everything but the verdicts, up to the last stage. An error ends the lane; what there is by then is kept."""
    with collecting(job, lane, into) as found:
        teacher = load_teacher(job, lane)
        found.keep(examine(job, lane, teacher, drawing=last != "convert"))
        packages = found.keep(convert(job, lane, teacher))
        if last == "convert":
            return found
        references = found.keep(read_references(job, lane, teacher))
        samples = found.keep(generate(job, lane, teacher, packages, references))
        if last == "score":
            found.keep(score(job, lane, teacher, packages, references, samples))
    return found
