"""What a change does to the judge, one difference a record; and what it was held against."""

from __future__ import annotations

from sdqa.bundle.record import Record


class JudgeChange(Record):
    """One difference between the judge of a change and the judge of what it is to be merged into."""

    kind: str  # of what: lane, case, check, metric, budget, limit, tolerance, golden, baseline, calibration, audit …
    subject: str  # what it is about, as the suite names it
    what: str  # in words, with both values
    looser: bool  # something passes now that did not, or is not asked any more
    recorded: str = ""  # the reason that the audit log gives for exactly this change


class JudgeComparison(Record):
    """What the judge was held against, or why it was not."""

    base: str = ""  # the revision or folder, as the service named it
    reason: str = ""  # why it was not compared

    def __str__(self) -> str:
        return f"judge not compared: {self.reason}" if self.reason else f"judge compared with {self.base[:12]}"
