"""When something was measured: attempts of a service's runs, which of two is the newer, and what neither can be."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sdqa.bundle import Failure, Provenance, Run
from sdqa.ci.problem import problem

CLOCKS = timedelta(hours=1)
"""By how much a clock may be wrong, or be set while a job runs."""
SET = timedelta(minutes=5)
"""By how much two machines of a service may disagree on the time: an attempt begins once the one before has ended."""


@dataclass(frozen=True, order=True)
class Attempt:
    """Runs are numbered, and so are their attempts; the longer number is the larger."""

    letters: int
    run_id: str
    number: int

    def __str__(self) -> str:
        return f"attempt {self.number} of run {self.run_id or 'nobody knows which'}"


def attempt_of(run: Run) -> Attempt:
    """The attempt that a bundle says it is of; one that says nothing of where it comes from is of the first."""
    origin = run.provenance or Provenance()
    return Attempt(len(origin.run_id), origin.run_id, origin.attempt)


def own_attempt(environment: Mapping[str, str] | None = None) -> Attempt | None:
    """The attempt that this process is part of; None where no service counts the attempts of whole runs.

    Others count those of a job, so that the gate's own says nothing of the lanes'.
    """
    variables = os.environ if environment is None else environment
    run_id, number = variables.get("GITHUB_RUN_ID", ""), variables.get("GITHUB_RUN_ATTEMPT", "")
    return Attempt(len(run_id), run_id, int(number)) if run_id and number.isdecimal() else None


def impossible(run: Run, own: Attempt | None) -> str:
    """Why a bundle cannot be of the attempt that it names, in words; empty where it can."""
    told = attempt_of(run)
    if told.number < 1:
        return f"it says that it is {told}, and they are counted from 1"
    if own is not None and told > own:
        return f"it says that it is {told}, which is later than this gate's own: {own}"
    return ""


def out_of_order(accepted: Sequence[tuple[str, Run]]) -> Iterator[Failure]:
    """Bundles that say they are of a later attempt, and began before one whose place they would take.

    Args:
        accepted: bundles by name, which say where they come from and whose dates can be read.
    """
    begun = [(attempt_of(run), moment(run.provenance.started), name) for name, run in accepted if run.provenance]
    for attempt, start, name in begun:
        before = [(other, first) for other, first, _ in begun if other < attempt and other.run_id == attempt.run_id]
        if late := next((other for other, first in before if first - start > SET), None):
            yield problem(name, f"it says that it is {attempt}, and began before {late}: run its lanes again")


def moment(text: str) -> datetime:
    """A moment as a bundle writes it, in UTC.

    Raises:
        ValueError, OverflowError: it is none.
    """
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC)
