"""What changed from one run to another, check by check: the record that page, summary, terminal and scripts share.

A check is compared with itself by its id. What each run knows of its own comparability (suite, judge, goldens, teacher,
versions, planted faults) stands beside the changes, so that nothing is compared in silence.
"""

from __future__ import annotations

from typing import Literal

from sdqa.bundle.blob import Blob
from sdqa.bundle.record import Record
from sdqa.bundle.records import Better, Status

SCHEMA_VERSION = 1
Kind = Literal["new", "still", "lost", "fixed", "changed", "gained"]
"""new: fails now and did not. still: fails in both. lost: had a figure and has none now, so nobody knows whether it is
fixed. fixed: failed and does not any more. changed: fails in neither, but its figure or status is another. gained: has
a figure now, which does not fail, and had none."""
KINDS: tuple[Kind, ...] = ("new", "still", "lost", "fixed", "changed", "gained")
"""In the order of attention."""


class CheckFigure(Record):
    """A check in one run."""

    status: Status
    value: float | None = None
    difference: float | None = None  # from the golden, where the check bounds that
    limit: float | None = None
    excess: float | None = None  # beyond the limit, in limits; negative within; None where there is no figure or limit

    @property
    def measured(self) -> bool:
        """Whether the check was answered at all."""
        return self.status != "not measured"


class CheckChange(Record):
    """One check that is not what it was, or that fails as it did."""

    kind: Kind
    check: str
    lane: str
    metric: str
    case: str | None = None
    component: str | None = None
    unit: str = ""
    better: Better = "lower"
    before: CheckFigure | None = None  # None: the earlier run does not have the check
    after: CheckFigure | None = None
    worse: float | None = None  # by how many limits the figure got worse; negative: better; None: cannot be said
    reason: str = ""  # the later run's, or the earlier's where it has none
    notes: tuple[str, ...] = ()  # why the two figures may not be comparable


class ComparedRun(Record):
    """One of the two runs."""

    created: str
    identity: str
    suite: str
    suite_digest: str
    sdqa_version: str
    exit_code: int
    commit: str = ""
    ref: str = ""
    judge_digest: str = ""
    fault: str | None = None


class Earlier(Record):
    """What the earlier run drew, where the later run drew something else."""

    lane: str
    case: str
    candidate: Blob


class RunComparison(Record):
    """Two runs, check by check. Equal checks that do not fail are only counted."""

    schema_version: int = SCHEMA_VERSION
    before: ComparedRun
    after: ComparedRun
    remarks: tuple[str, ...] = ()  # what is different about the runs themselves, in words
    changes: tuple[CheckChange, ...] = ()  # the worst first within a kind, the kinds in the order of attention
    unchanged: int = 0
    lanes_before_only: tuple[str, ...] = ()
    lanes_after_only: tuple[str, ...] = ()
    pictures: tuple[Earlier, ...] = ()

    def of(self, kind: Kind) -> tuple[CheckChange, ...]:
        """The changes of one kind."""
        return tuple(one for one in self.changes if one.kind == kind)

    def counts(self) -> dict[Kind, int]:
        """How many changes there are of each kind."""
        return {kind: len(self.of(kind)) for kind in KINDS}
