"""What a session leaves: the lanes as far as they came, bundle and report, and the last words on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.endings import in_words
from sdqa.errors import EXIT_INCOMPLETE, Interrupted, SdqaError, Unforeseen, worst
from sdqa.signals import held

if TYPE_CHECKING:
    from sdqa.bundle import Lane, Run
    from sdqa.bundle.diagnosis import Diagnosis
    from sdqa.history import History
    from sdqa.plan import PlannedLane
    from sdqa.workflow.ending import EndedLane
    from sdqa.workflow.job import Job
    from sdqa.workflow.place import Place


class NotBegun(SdqaError):
    """A lane that the session did not come to."""

    code = "SDQA-902"
    exit_code = EXIT_INCOMPLETE


class WorkerLost(SdqaError):
    """A worker of `-n` died: killed, for memory as a rule."""

    code = "SDQA-903"


ENDED = frozenset(kind.code for kind in (Interrupted, Unforeseen, NotBegun, WorkerLost))
"""Failures that say that a lane did not come to its own end."""


@dataclass(frozen=True)
class Session:
    """How pytest's session went."""

    interrupted: bool = False
    stopped: str = ""  # why it ended before its last item, in pytest's words
    distributed: bool = False  # `-n`: the lanes ran in workers, and lie in the store
    lost: Sequence[str] = ()  # workers that died

    @property
    def early(self) -> bool:
        """Whether it ended before its last item."""
        return self.interrupted or bool(self.stopped or self.lost)

    def why(self) -> SdqaError:
        """Why a lane was not begun, or not finished."""
        if self.interrupted:
            return Interrupted("not finished: the run was interrupted", hint="run it again: it goes on from there")
        if self.lost:
            hint = "give it more memory, or use fewer workers; a run again goes on from what the store has"
            return WorkerLost(f"not finished: {', '.join(self.lost)} died", hint=hint)
        return NotBegun(f"not begun: the run ended early ({self.stopped or 'it was not asked for'})")


@dataclass(frozen=True)
class Left:
    """What one suite's run left."""

    run: Run
    folder: Path
    full: bool
    written: bool
    kept: Path | None = None  # the newest full run's folder, where this run is none and has one of its own
    diagnoses: tuple[Diagnosis, ...] = ()
    remarks: tuple[str, ...] = ()  # what else is to be said
    codes: tuple[int, ...] = field(default=())

    @property
    def exit_code(self) -> int:
        """The run's, or that of what kept it from being written."""
        return worst((self.run.exit_code, *self.codes))

    @property
    def where(self) -> str:
        """Where the report is, and what a run that is not a full one leaves alone."""
        if not self.written:
            return "no report was written"
        said = f"report: {self.folder / 'index.html'}"
        return said if self.kept is None else f"{said} (not a full run: {self.kept} is as it was)"


def collected_lanes(job: Job, ran: Mapping[str, EndedLane], names: Sequence[str], session: Session) -> list[Lane]:
    """The selected lanes' records: those that ran here, those that workers left in the store, those not begun."""
    from sdqa.workflow.ending import not_begun

    found = []
    for planned in job.plan.running:
        if planned.id not in names:
            continue
        if planned.id in ran:
            found.append(ran[planned.id].lane)
        elif session.distributed:
            found.append(_from_workers(job, planned, session))
        else:
            why = session.why()
            words = replaced(why, "not begun: the run was interrupted") if session.interrupted else why
            found.append(not_begun(job, planned, words))
    return found


def replaced(error: SdqaError, what: str) -> SdqaError:
    """The same error about something else."""
    return type(error)(what, where=error.where, hint=error.hint)


def _from_workers(job: Job, planned: PlannedLane, session: Session) -> Lane:
    from sdqa.workflow.ending import left_in_store, run_to_an_end

    # A lane that killed a worker, or that somebody stopped, is not begun anew by the process that has to report it.
    return left_in_store(job, planned, session.why()) if session.early else run_to_an_end(job, planned).lane


def conclude(
    job: Job,
    place: Place,
    lanes: Sequence[Lane],
    checks: frozenset[str],
    session: Session,
    *,
    full: bool,
    diagnose: bool,
    uncaptured: Callable[[], AbstractContextManager[None]],
) -> Left:
    """Write bundle and report, then look for causes and write both again: a verdict waits for no diagnosis.

    Args:
        checks: the ones that were selected.
        full: whether these are all that the suite has, and all lanes came to their end.
        uncaptured: lets progress through to the terminal.
    """
    from sdqa.workflow.diagnose import explain_failures
    from sdqa.workflow.memory import remember
    from sdqa.workflow.report import summed_up

    run = summed_up(job, lanes, checks=checks)
    remarks = tuple(f"{worker} died" for worker in session.lost)
    with held() as signals:
        history, unkept = remember(run, place.home, job.plan.root)
        remarks += (unkept,) if unkept else ()
        left = _write(
            job,
            place,
            Left(run, place.folder, full, written=False, kept=None if full else place.report, remarks=remarks),
            history,
        )
    found: list[Diagnosis] = []
    try:
        if diagnose and not signals:
            with uncaptured():
                for one in explain_failures(job, lanes, checks):
                    found.append(one)
    except KeyboardInterrupt:
        left = replace(left, remarks=(*left.remarks, "the diagnosis was interrupted; the verdict does not rest on it"))
    with held():
        if found:
            left = _write(job, place, replace(left, diagnoses=tuple(found)), history)
        if left.written and left.full:
            place.clear()
        place.prune()
    return left


def _write(job: Job, place: Place, left: Left, history: History | None) -> Left:
    """The same, written; what cannot be written is said, and takes nothing from the verdict."""
    from filelock import FileLock

    from sdqa.workflow.report import write

    try:
        bundle = place.settle(full=left.full)
        bundle.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{bundle.folder}.lock") if bundle.folder == place.report else nullcontext():  # two full runs
            run = write(replace(job, bundle=bundle), left.run, left.diagnoses, history)
        return replace(left, run=run, folder=bundle.folder, written=True)
    except (SdqaError, OSError, MemoryError) as error:
        words = in_words(error)
        what = replaced(words, f"the report could not be written: {words.what}")
        return replace(left, remarks=(*left.remarks, f"error {what}"), codes=(*left.codes, words.exit_code))
