"""How well the shares that a diagnosis names hold: several planted faults, and what each of them really did."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from sdqa.bundle import documents
from sdqa.bundle.environment import Environment
from sdqa.bundle.record import OpenRecord
from sdqa.bundle.sensitivity import Share

FILE = "shares.json"


class PlantedShare(OpenRecord):
    """One of several faults: what it did of the loss, and what the diagnosis said of its place."""

    fault: str  # fault@severity
    place: str  # a component, or `glue`
    truth: float  # Shapley share of the loss over the whole suite, from the faults planted in every combination
    named: bool
    explains: float | None = None  # what the diagnosis said, over the cases it looked at; None: not named
    interval: tuple[float, float] | None = None
    holds: bool | None = None  # whether the interval contains the truth; None: nothing was said


class SharesRow(OpenRecord):
    """Several faults at once."""

    id: str
    loss: float  # mean LPIPS to the goldens over the whole suite, all faults planted
    shares: tuple[PlantedShare, ...]
    verdict: str
    seconds: float = 0.0

    @property
    def all_named(self) -> bool:
        """Whether every place is among the causes."""
        return all(one.named for one in self.shares)

    @property
    def right(self) -> bool:
        """Whether every place is named, with an interval that contains what its fault really did."""
        return all(one.named and one.holds for one in self.shares)


class SharesTable(OpenRecord):
    """The whole document."""

    schema_version: Literal[1] = 1
    lane: str
    cases: tuple[str, ...]  # that the diagnosis looked at
    suite: tuple[str, ...]  # cases that the truth was measured on
    rows: tuple[SharesRow, ...]
    environment: Environment = Environment()
    date: str = ""

    @property
    def all_named(self) -> Share:
        """Of how many combinations every place was named."""
        return Share(count=sum(row.all_named for row in self.rows), total=len(self.rows))

    @property
    def holding(self) -> Share:
        """How many of the intervals that were stated contain the truth."""
        known = [one.holds for row in self.rows for one in row.shares if one.holds is not None]
        return Share(count=sum(known), total=len(known))

    @property
    def right(self) -> Share:
        """Of how many combinations every place was named and every interval holds."""
        return Share(count=sum(row.right for row in self.rows), total=len(self.rows))

    def write(self, path: Path) -> None:
        """Write the document."""
        documents.write(path, self.to_json())
