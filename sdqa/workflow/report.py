"""The bundle of what ran, and everything that people read from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sdqa
from sdqa.bundle import Lane, Run
from sdqa.bundle.environment import environment
from sdqa.errors import EXIT_INFRASTRUCTURE, EXIT_INTERRUPTED, SdqaError, worst
from sdqa.gate.orphans import orphans
from sdqa.plan.describe import planned_case
from sdqa.store import canonical_json
from sdqa.workflow.gate import exit_code
from sdqa.workflow.job import Job
from sdqa.workflow.origin import left_out, provenance_of

if TYPE_CHECKING:
    from sdqa.bundle.diagnosis import Diagnosis
    from sdqa.bundle.sensitivity import Sensitivity
    from sdqa.history import History


def report(
    job: Job,
    lanes: Iterable[Lane],
    *,
    checks: frozenset[str] | None = None,
    interrupted: bool = False,
    crashed: bool = False,
    diagnoses: Sequence[Diagnosis] = (),
) -> Run:
    """Write the bundle, the page and the files beside it; see `summed_up` for the arguments."""
    run = summed_up(job, lanes, checks=checks, interrupted=interrupted, crashed=crashed)
    return write(job, run, diagnoses)


def summed_up(
    job: Job,
    lanes: Iterable[Lane],
    *,
    checks: frozenset[str] | None = None,
    interrupted: bool = False,
    crashed: bool = False,
) -> Run:
    """The run that lanes make together; nothing is written.

    Args:
        checks: the checks that were selected; None for all.
        crashed: a lane is missing because of an error that sdqa does not know.
    """
    ran = tuple(lanes)
    planned = sum(len(lane.planned) for lane in ran)
    if checks is not None:
        ran = tuple(_narrowed(lane, checks) for lane in ran)
    ends = (EXIT_INTERRUPTED,) if interrupted else (EXIT_INFRASTRUCTURE,) if crashed else ()
    return Run(
        sdqa_version=sdqa.__version__,
        suite=job.plan.suite.name,
        suite_digest=job.plan.suite_digest,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        status="incomplete" if ends or any(lane.failures for lane in ran) else "complete",
        exit_code=worst((exit_code(job.plan, ran), *ends)),
        fault=job.fault.id if job.fault else None,
        environment=environment(),
        cases={name: planned_case(case) for name, case in job.plan.suite.cases.items()},
        lanes=(*ran, *left_out(job.plan, ran, interrupted=interrupted)),
        planned_checks=planned,
        provenance=provenance_of(job.plan, job.started, ran, interrupted=interrupted),
        orphans=orphans(job.plan),
    )


def write(job: Job, run: Run, diagnoses: Sequence[Diagnosis] = (), history: History | None = None) -> Run:
    """Write a run's bundle, the page and the files beside it.

    Args:
        diagnoses: what broke the lanes that failed, where that was asked for.
        history: earlier runs and this one, shown as trends.
    """
    from sdqa.bundle.diagnosis import write_diagnoses
    from sdqa.bundle.sensitivity import MEDIA_TYPE
    from sdqa.report import write_report

    if not diagnoses:  # of the same run, without them, there may be a verdict here already
        job.bundle.withdraw()
    several = tuple(diagnoses) if len(diagnoses) > 1 else ()
    tables = [  # the same for hundreds of runs: they are kept beside them, by digest
        job.bundle.add_blob(canonical_json(table.to_json()).encode(), MEDIA_TYPE)
        for table in committed_sensitivities(job)
    ]
    run = run.model_copy(
        update={
            "diagnosis": diagnoses[0] if diagnoses else None,
            "diagnoses": several,
            "sensitivity_table": tables[0] if tables else None,
            "sensitivity_tables": tuple(tables[1:]),
        }
    )
    job.bundle.write(run)
    if diagnoses:
        write_diagnoses(job.bundle.folder, diagnoses)
    write_report(job.bundle, job.bundle.folder, history=history)
    return run


def committed_sensitivities(job: Job) -> tuple[Sensitivity, ...]:
    """What the gate is known to catch in each lane: the tables beside the goldens, as `nox -s faults -- --record` left
    them, the first lane's first.

    A table speaks of the limits of its lane that it was measured with; beside others it would promise what nobody has
    seen.
    """
    from sdqa.bundle.sensitivity import places, read
    from sdqa.gate import TOLERANCES_FILE, Tolerances
    from sdqa.gate.blank import blank_lane

    found, planned = [], {lane.id: lane for lane in job.plan.lanes}
    for path in places(job.plan.goldens):
        try:
            table = read(path)
            judged_by = Tolerances.load(job.plan.goldens / table.lane.partition("/")[0] / TOLERANCES_FILE)
        except SdqaError as error:  # it says what other runs caught; this one is not worse for it
            job.progress.step(f"a sensitivity table is left out: {error}")
            continue
        lane = planned.get(table.lane)
        own = judged_by.digest_for(blank_lane(lane)) if lane is not None else ""
        if table.tolerances == judged_by.digest() or (own and table.limits == own):
            found.append(table)
        else:
            where = f"the sensitivity table of {table.lane} is left out"
            job.progress.step(f"{where}: it was measured with other tolerances (nox -s faults)")
    return tuple(found)


def _narrowed(lane: Lane, checks: frozenset[str]) -> Lane:
    """A lane with the verdicts of some checks only."""
    kept = tuple(verdict for verdict in lane.verdicts if verdict.check in checks)
    return lane.model_copy(update={"verdicts": kept})
