"""What became of one test, and of all of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

OUTCOMES = ("passed", "failed", "excluded", "not applicable")
"""`not applicable`: skipped, expected by coremltools to fail, or over before anything was predicted."""


@dataclass(frozen=True)
class Outcome:
    """One test case."""

    test: str
    """pytest's node id, relative to coremltools' folder."""
    outcome: str
    """One of OUTCOMES."""
    detail: str = ""
    """Why, in one line: an error, a reason."""
    predictions: int = 0
    """How often the reference runtime was asked to predict."""
    seconds: float = 0.0

    @property
    def file(self) -> str:
        """The test file."""
        return self.test.split("::", 1)[0]


@dataclass(frozen=True)
class Summary:
    """Counts by outcome."""

    counts: dict[str, int]

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Summary:
        """Count."""
        counted = Counter(outcome.outcome for outcome in outcomes)
        return cls({name: counted[name] for name in OUTCOMES})

    @property
    def applicable(self) -> int:
        """Tests whose result says something about the runtime."""
        return self.counts["passed"] + self.counts["failed"]

    @property
    def pass_rate(self) -> float:
        """Passed of applicable; 0 when nothing applied, since nothing was shown."""
        return self.counts["passed"] / self.applicable if self.applicable else 0.0


def by_file(outcomes: Iterable[Outcome]) -> dict[str, Summary]:
    """A summary per test file, in the order of their names."""
    files: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        files.setdefault(outcome.file, []).append(outcome)
    return {name: Summary.of(files[name]) for name in sorted(files)}


def write(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Write outcomes as JSON, sorted by test."""
    ordered = sorted(outcomes, key=lambda outcome: outcome.test)
    path.write_text(json.dumps([asdict(outcome) for outcome in ordered], indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> list[Outcome]:
    """Read what `write` wrote."""
    return [Outcome(**record) for record in json.loads(path.read_text(encoding="utf-8"))]
