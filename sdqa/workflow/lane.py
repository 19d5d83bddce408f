"""A lane's loop: it alone collects what the stages return, and keeps what there is when one of them fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from sdqa import notices
from sdqa.bundle import Failure
from sdqa.errors import SdqaError
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
            SdqaError: the one that ended the stage early; what it had made by then is kept.
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


@contextmanager
def collecting(job: Job, lane: PlannedLane) -> Iterator[Collected]:
    """The loop around a lane's stages: an error that sdqa knows ends it and becomes a failure of the lane."""
    found = Collected()
    with notices.quiet_warnings(job.sayer(lane)) as heard:
        try:
            yield found
        except SdqaError as error:
            found.failures += (failure_of("lane", lane.id, error),)
        finally:
            found.warnings = tuple(heard)
