"""What evidence is held against."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sdqa.ci.attempts import Attempt
from sdqa.ci.judge import LaneJudge
from sdqa.ci.needs import JobResult
from sdqa.ci.plan import PlanOfRecord


@dataclass(frozen=True)
class Expected:
    """The plan of record, the checkout's judge, and what is known besides."""

    plan: PlanOfRecord
    judge: LaneJudge
    commit: str
    now: datetime  # nothing was measured later
    results: tuple[JobResult, ...] | None = None  # None: not under a service that tells
    attempt: Attempt | None = None  # that the gate itself is part of: no bundle is of a later one; None: nobody tells
    committed: datetime | None = None  # when the commit was made: no job began earlier; None: git does not say
