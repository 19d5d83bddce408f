"""What the gate says of damage to single pictures: kind × case → seen by a person, red, and by which limits."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from sdqa.bundle import documents
from sdqa.bundle.environment import Environment
from sdqa.bundle.record import OpenRecord
from sdqa.bundle.sensitivity import MetricRate, Share, Yardstick, rates_of

FILE = "local.json"


class LocalTrial(OpenRecord):
    """One kind of damage to the picture of one case; all other pictures of the lane are whole."""

    kind: str
    case: str
    flip: float  # the yardstick's figure, against the lane's own picture
    visible: bool
    failing: tuple[str, ...] = ()  # checks that turned red, without the lane's name
    suspicious: tuple[str, ...] = ()  # checks that became suspicious

    @property
    def red(self) -> bool:
        """A check failed."""
        return bool(self.failing)

    @property
    def by_golden(self) -> bool:
        """A check that holds the picture against the golden, or looks at it alone, failed."""
        return any(not _of_baseline(check) for check in self.failing)

    @property
    def by_baseline(self) -> bool:
        """A check that holds it against the lane's own approved picture failed."""
        return any(_of_baseline(check) for check in self.failing)

    @property
    def silent(self) -> bool:
        """Nothing failed, and nothing is suspicious."""
        return not self.failing and not self.suspicious


class LocalLane(OpenRecord):
    """All damage to one lane's pictures."""

    lane: str
    cases: tuple[str, ...]
    trials: tuple[LocalTrial, ...]
    tolerances: str = ""  # digest of those that it was judged by
    baselines: int = 0  # cases with a baseline of the lane's own
    seconds: float = 0.0

    @property
    def kinds(self) -> int:
        """How many kinds of damage were tried."""
        return len({trial.kind for trial in self.trials})

    @property
    def red(self) -> Share:
        """Of the visible ones."""
        return _share(trial.red for trial in self._visible())

    @property
    def by_golden(self) -> Share:
        """Of the visible ones, without the baseline's checks."""
        return _share(trial.by_golden for trial in self._visible())

    @property
    def by_baseline(self) -> Share:
        """Of the visible ones, by the baseline's checks alone."""
        return _share(trial.by_baseline for trial in self._visible())

    @property
    def silent(self) -> tuple[LocalTrial, ...]:
        """Visible, and nothing was said."""
        return tuple(trial for trial in self._visible() if trial.silent)

    @property
    def below(self) -> Share:
        """Red, of those that nobody would see."""
        return _share(trial.red for trial in self.trials if not trial.visible)

    @property
    def rates(self) -> tuple[MetricRate, ...]:
        """What each metric catches of the visible ones, with the others held out."""
        return rates_of(frozenset(check.rpartition("/")[2] for check in one.failing) for one in self._visible())

    def _visible(self) -> tuple[LocalTrial, ...]:
        return tuple(trial for trial in self.trials if trial.visible)


class LocalTable(OpenRecord):
    """The whole document."""

    schema_version: Literal[1] = 1
    yardstick: Yardstick
    lanes: tuple[LocalLane, ...]
    environment: Environment = Environment()
    date: str = ""

    def write(self, path: Path) -> None:
        """Write the document."""
        documents.write(path, self.to_json())


def _of_baseline(check: str) -> bool:
    return check.rpartition("/")[2].startswith("baseline_")


def _share(answers: Iterable[bool]) -> Share:
    known = tuple(answers)
    return Share(count=sum(known), total=len(known))
