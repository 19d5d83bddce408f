"""A lane that is run to an end, whichever it is: what was measured by then is judged, the rest says why it was not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sdqa.bundle import Lane, Verdict
from sdqa.endings import in_words
from sdqa.errors import EXIT_INTERRUPTED, SdqaError, StoreError
from sdqa.plan import PlannedLane
from sdqa.signals import held
from sdqa.store import Entry, Store
from sdqa.workflow import measure_lane
from sdqa.workflow.failure import failure_of
from sdqa.workflow.film import filmed
from sdqa.workflow.gate import gate, planned_checks
from sdqa.workflow.job import Job
from sdqa.workflow.lane import Collected
from sdqa.workflow.record import record
from sdqa.workflow.stages import Samples


@dataclass(frozen=True)
class EndedLane:
    """A lane's record, and what ended it early where that is more than the lane's own affair: Ctrl-C, or a defect."""

    lane: Lane
    by: BaseException | None = None

    @property
    def interrupted(self) -> bool:
        """Whether somebody stopped the run."""
        return isinstance(self.by, KeyboardInterrupt)


def run_to_an_end(job: Job, planned: PlannedLane) -> EndedLane:
    """A lane from its beginning to whatever ends it. Never raises what the lane's work raised."""
    found, ended = Collected(), None
    try:
        measure_lane(job, planned, into=found)
    except (Exception, KeyboardInterrupt) as error:
        ended = error
        found.end(planned, error)
    with held() as signals:
        done = _judged(job, planned, found)
    if signals and not isinstance(ended, KeyboardInterrupt):
        return replace(done, by=KeyboardInterrupt())
    done = replace(done, by=ended or done.by)
    return done if done.by is not None else _with_films(job, planned, found, done)


def _with_films(job: Job, planned: PlannedLane, found: Collected, done: EndedLane) -> EndedLane:
    """The lane with its films. They are for people to look at: whatever keeps them from being made costs no verdict."""
    try:
        return replace(done, lane=filmed(job, planned, found, done.lane))
    except KeyboardInterrupt as error:
        return replace(done, by=error)
    except Exception as error:
        job.progress.step(f"{planned.id}: no films: {in_words(error).what}")
        return done


def not_begun(job: Job, planned: PlannedLane, why: SdqaError) -> Lane:
    """A lane that the run did not come to: all its checks are there, none is measured."""
    return _judged(job, planned, Collected(failures=(failure_of("lane", planned.id, why),))).lane


def left_in_store(job: Job, planned: PlannedLane, why: SdqaError) -> Lane:
    """A lane that another process was running, as far as it came: nothing is made, what the store has is judged."""
    found = Collected()
    try:
        measure_lane(replace(job, store=_Leftovers(job.store.root)), planned, into=found)
    except (Exception, KeyboardInterrupt) as error:
        found.end(planned, error)
    missing = [failure for failure in found.failures if failure.code == NotLeft.code]
    if missing:
        others = [failure for failure in found.failures if failure not in missing]
        found.failures = (failure_of("lane", planned.id, why), *others)
    return _judged(job, planned, found).lane


def interrupted(lane: Lane) -> bool:
    """Whether somebody stopped the run before or while the lane ran."""
    return any(failure.exit_code == EXIT_INTERRUPTED for failure in lane.failures)


class NotLeft(StoreError):
    """An entry that was not made before the run ended."""

    code = "SDQA-711"


class _Leftovers(Store):
    """A store in which nothing is built."""

    def memo(self, kind: str, key: Mapping[str, object], build: Callable[[Path], None]) -> Entry:  # noqa: ARG002
        """What is there.

        Raises:
            NotLeft: it is not.
        """
        found = self.find(kind, key)
        if found is None:
            raise NotLeft(f"no {kind} was made before the run ended", where=str(self.place(kind, key)))
        return found


def _judged(job: Job, planned: PlannedLane, found: Collected) -> EndedLane:
    """The gate's word on what there is. Where pictures cannot be kept, the figures still count."""
    try:
        return EndedLane(gate(job, planned, found))
    except (SdqaError, OSError, MemoryError) as error:
        found.end(planned, error)
    except Exception as error:
        found.end(planned, error)
        return EndedLane(_unjudged(job, planned, found), error)
    try:
        return EndedLane(gate(job, planned, replace(found, samples=Samples())))
    except Exception as error:
        found.end(planned, error)
        return EndedLane(_unjudged(job, planned, found), None if isinstance(error, SdqaError | OSError) else error)


def _unjudged(job: Job, planned: PlannedLane, found: Collected) -> Lane:
    """A lane whose figures the gate could not judge."""
    reason = f"not judged: {found.failures[-1].message}"
    verdicts = tuple(
        Verdict(check=check, metric=check.rpartition("/")[2], status="not measured", reason=reason)
        for check in planned_checks(job.plan, planned)
    )
    return record(planned, found).model_copy(update={"verdicts": verdicts})
