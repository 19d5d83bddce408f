"""The record of one run, typed to the last field: what a dashboard over many runs needs, and no picture.

Everything in it comes from a stranger's file: texts are short, addresses are http(s), digests are digests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from sdqa.bundle import Better, Fingerprint, Record, Status

MAX_LANES = 200
MAX_FIGURES = 20_000
"""Of a lane."""
MAX_CASES = 2_000

Text = Annotated[str, StringConstraints(max_length=200)]
Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{0,64}$")]
WebAddress = Annotated[str, StringConstraints(max_length=500, pattern=r"^(https?://[^\s<>\"'\\]+)?$")]
"""Of a page that somebody may click on; empty where there is none."""


def _moment(text: str) -> str:
    found = datetime.fromisoformat(text)
    if not 1970 <= found.year <= 9998:
        raise ValueError("is no time of a run")
    return text


Moment = Annotated[str, StringConstraints(max_length=40), AfterValidator(_moment)]
"""ISO 8601; UTC where it does not say."""


def utc(moment: str) -> datetime:
    """A record's time."""
    found = datetime.fromisoformat(moment)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


class Figure(NamedTuple):
    """One figure of a lane: of one case, or over all of them."""

    metric: str
    case: str  # empty: of the lane, over its cases where the metric has cases
    component: str
    value: float | None
    golden: float | None  # the teacher's, where the metric has one
    difference: float | None  # what the limit holds, where the metric is compared with the golden
    low: float | None  # the interval of what the limit holds
    high: float | None
    limit: float | None
    spread: float | None
    n: int
    status: Status | Literal[""]  # empty: nobody judged it
    unit: str
    better: Better

    @property
    def judged(self) -> float | None:
        """What the limit holds."""
        return self.value if self.difference is None else self.difference


Texts = tuple[Text, ...]
Floats = tuple[float | None, ...]


class FigureColumns(Record):
    """A lane's figures as columns of equal length, which is small and quickly read; `Figure` says what they are."""

    metric: Texts = Field(default=(), max_length=MAX_FIGURES)
    case: Texts = ()
    component: Texts = ()
    value: Floats = ()
    golden: Floats = ()
    difference: Floats = ()
    low: Floats = ()
    high: Floats = ()
    limit: Floats = ()
    spread: Floats = ()
    n: tuple[Annotated[int, Field(ge=0, le=2**53)], ...] = ()
    status: tuple[Status | Literal[""], ...] = ()
    unit: Texts = ()
    better: tuple[Better, ...] = ()

    @model_validator(mode="after")
    def _equally_long(self) -> FigureColumns:
        if any(len(getattr(self, name)) != len(self.metric) for name in Figure._fields):
            raise ValueError("its columns are not equally long")
        return self

    @classmethod
    def of(cls, rows: list[Figure]) -> FigureColumns:
        """Columns of rows."""
        columns = list(zip(*rows, strict=True)) or [()] * len(Figure._fields)
        return cls.model_validate(dict(zip(Figure._fields, columns, strict=True)))

    def rows(self) -> Iterator[Figure]:
        """The figures, one by one."""
        return map(Figure, *(getattr(self, name) for name in Figure._fields))


class RecordedPackage(Record):
    """One converted component."""

    component: Text
    digest: Text
    bytes: Annotated[int, Field(ge=0, le=2**53)]


class RecordedLane(Record):
    """Model × variant × runtime × compute unit, as it ran."""

    id: Text
    model: Text
    variant: Text
    runtime: Text
    compute_unit: Text
    status: Literal["ran", "incomplete", "skipped"]
    fingerprint: Fingerprint = Fingerprint()
    packages: tuple[RecordedPackage, ...] = Field(default=(), max_length=1_000)
    goldens: dict[Text, Text] = Field(default_factory=dict, max_length=MAX_CASES)  # case → digest of its picture
    pictures: dict[Text, Text] = Field(default_factory=dict, max_length=MAX_CASES)  # case → digest of what was drawn
    figures: FigureColumns = FigureColumns()

    @property
    def bytes(self) -> int:
        """Of all packages."""
        return sum(package.bytes for package in self.packages)


class RecordedRun(Record):
    """One run."""

    schema_version: Literal[1] = 1
    created: Moment
    identity: Hex  # of the run, times apart: two with the same figures have the same
    sdqa_version: Text
    suite: Text
    suite_digest: Text
    judge: Text = ""  # digest of limits, budgets, tolerances and goldens
    status: Literal["complete", "incomplete"] = "complete"
    exit_code: Annotated[int, Field(ge=0, le=255)] = 0
    fault: Text | None = None  # that was planted on purpose
    partial: bool = False  # narrowed or interrupted: not all that the suite asks for
    repository: Text = ""
    commit: Hex = ""
    modified: bool = False
    parent: Hex = ""
    ref: Text = ""
    pull_request: Text = ""
    ci: WebAddress = ""
    report: WebAddress = ""
    machines: Annotated[Texts, Field(max_length=100)] = ()  # in words
    lanes: Annotated[tuple[RecordedLane, ...], Field(max_length=MAX_LANES)] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many checks there are of each status."""
        found = dict.fromkeys(("pass", "suspicious", "fail", "not measured", "not judged"), 0)
        for lane in self.lanes:
            for status, count in Counter(lane.figures.status).items():
                if status:
                    found[status] += count
        return found
