"""A lane's loop: it alone collects what the stages return, and keeps what there is when one of them fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from sdqa import notices
from sdqa.bundle import Failure
from sdqa.endings import in_words
from sdqa.errors import Unforeseen
from sdqa.plan import PlannedLane
from sdqa.workflow.examination import Examined
from sdqa.workflow.failure import failure_of
from sdqa.workflow.job import Job
from sdqa.workflow.references import References
from sdqa.workflow.stages import Packages, Samples, Scores

Made = TypeVar("Made", Examined, Packages, References, Samples, Scores)


@dataclass
class Collected:
    """What is known of a lane so far; what went wrong is part of it. Only `keep` and `collecting` fill it."""

    examined: Examined = field(default_factory=Examined)
    packages: Packages = field(default_factory=Packages)
    references: References = field(default_factory=References)
    samples: Samples = field(default_factory=Samples)
    scores: Scores = field(default_factory=Scores)
    failures: tuple[Failure, ...] = ()
    warnings: tuple[str, ...] = ()

    def keep(self, made: Made) -> Made:
        """Remember what a stage returned, and give it back.

        Raises:
            BaseException: what ended the stage early; what it had made by then is kept.
        """
        match made:
            case Examined():
                self.examined = made
            case Packages():
                self.packages = made
            case References():
                self.references = made
                self.failures += made.failures
            case Samples():
                self.samples = made
            case Scores():
                self.scores = made
        if isinstance(made, Samples | Scores) and made.error is not None:
            raise made.error
        return made

    def end(self, lane: PlannedLane, error: BaseException) -> None:
        """Remember what ended the lane, in words."""
        self.failures += (failure_of("lane", lane.id, in_words(error)),)


@contextmanager
def collecting(job: Job, lane: PlannedLane, into: Collected | None = None) -> Iterator[Collected]:
    """The loop around a lane's stages: what sdqa or the system has words for ends it, as a failure of the lane.

    Args:
        into: what to fill; a caller that has it keeps what there is when anything else is raised.
    """
    found = into if into is not None else Collected()
    with notices.quiet_warnings(job.sayer(lane)) as heard:
        try:
            yield found
        except Exception as error:
            if isinstance(in_words(error), Unforeseen):
                raise
            found.end(lane, error)
        finally:
            found.warnings = tuple(heard)
