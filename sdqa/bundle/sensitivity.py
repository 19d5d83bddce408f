"""The sensitivity table: fault × severity → caught or not, by which checks, blamed on what; and every false alarm.

What is written is a JSON document (`Sensitivity`, described in docs/faults.md); the report shows it, and a committed
one is the baseline that no figure may fall below. Nothing here runs a model: `sdqa.workflow.campaign` does.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field

from sdqa.bundle import documents
from sdqa.bundle.environment import Environment
from sdqa.bundle.record import OpenRecord, later
from sdqa.errors import FaultError

SCHEMA_VERSION = 1
FILE = "sensitivity.json"
"""In the folder of the goldens: the committed table."""
FURTHER = "sensitivity-{}.json"
"""Beside it: those of further lanes, by the lane's name."""
MEDIA_TYPE = "application/json"
MAX_BYTES = 32 * 2**20


class NamedCause(OpenRecord):
    """What the diagnosis named, and whether it was right; None where there was nothing to name."""

    component: str = ""
    stage: str = ""
    operation: str = ""
    weight: str = ""
    component_right: bool | None = None
    stage_right: bool | None = None
    operation_right: bool | None = None
    verdict: str = ""


Decided = Literal["", "yardstick", "execution", "budget"]
"""What says that a fault can be noticed: the pictures, that there are none, or a budget; empty in older tables."""


class Yardstick(OpenRecord):
    """By what it was decided whether a person would see a difference; no check of the gate uses it."""

    name: str
    package: str = ""  # and its version
    threshold: float  # visible from here on
    definition: str = ""  # what the figure is
    source: str = ""  # where the threshold comes from


class Trial(OpenRecord):
    """One fault at one severity."""

    fault: str
    severity: str
    component: str  # that is to be blamed
    stage: str
    summary: str = ""
    rows: tuple[int, ...] = ()
    visible: bool
    visibility: str  # why, in words
    decided: Decided = later("")
    flip: float | None = later(None)  # the yardstick's figure of the worst case, against the sound lane's own pictures
    lpips: float | None = None  # mean over the cases, to the golden
    worst_lpips: float | None = None  # of a single case
    caught: bool
    exit_code: int
    failing: tuple[str, ...] = ()  # checks that failed or could not be made, without the lane's name
    suspicious: int = 0
    errors: tuple[str, ...] = ()  # codes of what did not run
    culprit_operation: str | None = None  # expected
    culprit_weight: str | None = None
    blame: NamedCause | None = None
    seconds: float = 0.0

    @property
    def id(self) -> str:
        """`fault@severity`."""
        return f"{self.fault}@{self.severity}"

    def metrics(self) -> tuple[str, ...]:
        """The names of the metrics among the failing checks, sorted."""
        return tuple(sorted({check.rpartition("/")[2] for check in self.failing}))


class Pair(OpenRecord):
    """Two faults at once, in different places; or more, when more were asked for."""

    first: str  # fault@severity
    second: str  # and any others, joined by `+`
    components: tuple[str, ...]  # that are to be blamed
    caught: bool
    exit_code: int
    failing: tuple[str, ...] = ()
    named: tuple[str, ...] = ()  # what the diagnosis blamed, in its order
    both_named: bool | None = None  # all of them; None: not diagnosed
    verdict: str = ""
    seconds: float = 0.0

    @property
    def id(self) -> str:
        """All faults."""
        return f"{self.first}+{self.second}"

    @property
    def faults(self) -> frozenset[str]:
        """Every fault, as `fault@severity`."""
        return frozenset(self.id.split("+"))


class ControlTrial(OpenRecord):
    """One harmless change at one seed: silence is wanted."""

    change: str
    seed: int
    component: str
    summary: str = ""
    alarm: bool
    exit_code: int
    failing: tuple[str, ...] = ()
    suspicious: int = 0
    lpips: float | None = None
    seconds: float = 0.0


class Spread(OpenRecord):
    """The teacher's own spread: LPIPS between its pictures and the ones it draws under harmless perturbations."""

    conditions: dict[str, float] = Field(default_factory=dict)  # mean LPIPS over the cases
    flip: dict[str, float] = later({})  # the yardstick's figure of the worst case
    mean: float = 0.0  # what a mean over the cases may reach
    case: float = 0.0  # what a single case may reach


class Share(OpenRecord):
    """How many of how many."""

    count: int
    total: int

    @property
    def share(self) -> float | None:
        """count / total; None of nothing: it was not measured."""
        return self.count / self.total if self.total else None

    def __str__(self) -> str:
        return "not measured" if self.share is None else f"{self.count} of {self.total} ({100 * self.share:.1f} %)"


class MetricRate(OpenRecord):
    """What one metric contributes, by the faults whose pictures the yardstick calls visible."""

    metric: str
    alone: Share  # caught when all other metrics are held out
    only: int  # caught by no other: what would be missed without it


def rates_of(caught: Iterable[frozenset[str]]) -> tuple[MetricRate, ...]:
    """What each metric contributes, the one that catches most first; one that catches nothing is not in the list.

    Args:
        caught: of each visible fault, the metrics of the checks that failed.
    """
    visible = tuple(caught)
    found = [
        MetricRate(
            metric=name,
            alone=Share(count=sum(name in metrics for metrics in visible), total=len(visible)),
            only=sum(metrics == {name} for metrics in visible),
        )
        for name in sorted(frozenset[str]().union(*visible))
    ]
    return tuple(sorted(found, key=lambda one: (-one.alone.count, one.metric)))


class Figures(OpenRecord):
    """The table in a few figures."""

    visible_caught: Share  # whose pictures the yardstick calls visible
    below_visibility_caught: Share
    false_alarms: Share  # fewer is better
    component_right: Share
    stage_right: Share
    operation_right: Share
    both_named: Share  # of pairs
    not_running: Share = later(Share(count=0, total=0))  # what leaves no pictures, caught
    over_budget: Share = later(Share(count=0, total=0))  # what exceeds a budget in the measured figures, caught


class Sensitivity(OpenRecord):
    """The whole document."""

    schema_version: Literal[1] = 1
    kind: Literal["quick", "full"] = "full"
    lane: str
    cases: tuple[str, ...]
    spread: Spread
    trials: tuple[Trial, ...]
    pairs: tuple[Pair, ...] = ()
    quiet: tuple[ControlTrial, ...] = ()
    figures: Figures
    smallest_caught: dict[str, str | None]  # fault → severity, None where none was caught
    yardstick: Yardstick | None = later(None)  # None: the teacher's own spread decided, in LPIPS
    metrics: tuple[MetricRate, ...] = later(())
    tolerances: str = ""  # digest of those that the gate judged by
    limits: str = later("")  # digest of those of its own lane among them
    environment: Environment = Environment()
    date: str = ""
    seconds: float = 0.0

    def write(self, path: Path) -> None:
        """Write the document."""
        documents.write(path, self.to_json())


def place_of(goldens: Path, lane: str) -> Path:
    """Where the committed table of a lane is: `sensitivity.json` holds the lane that was measured first, the others are
    beside it, `sensitivity-<model>-<variant>….json`.

    Args:
        goldens: the folder of the goldens.
        lane: its id.

    Raises:
        FaultError: the table that is there does not follow the schema.
    """
    first = goldens / FILE
    if not first.exists() or read(first).lane == lane:
        return first
    return goldens / FURTHER.format(lane.replace("/", "-"))


def places(goldens: Path) -> tuple[Path, ...]:
    """The committed tables that there are, the first lane's first."""
    first = goldens / FILE
    return (*((first,) if first.exists() else ()), *sorted(goldens.glob(FURTHER.format("*"))))


def read(path: Path) -> Sensitivity:
    """Read and check a document.

    Raises:
        FaultError: it is missing, too large, or does not follow the schema.
    """
    return documents.read(
        path,
        Sensitivity,
        FaultError,
        name="the sensitivity table",
        limit=MAX_BYTES,
        missing="there is no sensitivity table",
        hint="make one: nox -s faults",
    )


def parse(data: bytes, where: str) -> Sensitivity:
    """A document out of a bundle's blob.

    Raises:
        FaultError: it does not follow the schema.
    """
    return documents.parse(data, Sensitivity, FaultError, name="the sensitivity table", where=where)
