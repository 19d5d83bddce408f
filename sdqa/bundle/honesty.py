"""How often the gate cries wolf: clean runs from noise that nobody calibrated with, or by processors of other kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from sdqa.bundle import documents
from sdqa.bundle.environment import Environment
from sdqa.bundle.record import OpenRecord
from sdqa.bundle.sensitivity import Share

FILE = "honesty.json"
Kind = Literal["text-to-image", "image-to-image", "whole runs"]


class CleanRun(OpenRecord):
    """One clean run, judged by the committed tolerances."""

    offset: int  # added to every case's seed
    setting: tuple[str, ...] = ()  # NAME=value: environment variables that the run's libraries were started with
    cases: dict[str, Kind]
    replaced: tuple[str, ...] = ()  # cases that were chaotic at their seed, and got another
    failing: tuple[str, ...] = ()  # checks that failed or could not be made, without the lane's name
    alarms: tuple[str, ...] = ()  # cases with a failed check of their own
    suspicious: tuple[str, ...] = ()  # checks that were suspicious
    room_used: float | None = None  # the largest share of any limit's room that a passing figure uses, if noted
    closest: str = ""  # that check
    exit_code: int = 0
    seconds: float = 0.0


class FalseAlarms(OpenRecord):
    """A rate with its exact interval."""

    kind: Kind
    alarms: int
    total: int
    low: float  # Clopper-Pearson, 95 %
    high: float

    def __str__(self) -> str:
        if not self.total:
            return "not measured"
        rate = f"{self.alarms} of {self.total} ({100 * self.alarms / self.total:.1f} %"
        return f"{rate}; 95 % interval {100 * self.low:.1f} % to {100 * self.high:.1f} %)"


class Honesty(OpenRecord):
    """The whole document."""

    schema_version: Literal[1] = 1
    lane: str
    noise: Literal["fresh", "recorded"] = "fresh"
    stated: float  # false alarms that the tolerances state for a whole run
    tolerances: str  # digest
    rates: tuple[FalseAlarms, ...]
    runs: tuple[CleanRun, ...]
    environment: Environment = Environment()
    date: str = ""

    @property
    def replaced(self) -> Share:
        """How many cases got another seed, because the teacher itself was chaotic at theirs."""
        return Share(count=sum(len(one.replaced) for one in self.runs), total=sum(len(one.cases) for one in self.runs))

    def write(self, path: Path) -> None:
        """Write the document."""
        documents.write(path, self.to_json())
