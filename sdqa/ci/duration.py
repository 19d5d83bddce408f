"""What jobs are expected to take: a start that each pays, what a lane costs in every job that has some of it, and its
cases one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sdqa.plan.parts import LanePart


@dataclass(frozen=True)
class LaneDuration:
    """One lane's, in seconds, with nothing in the store."""

    once_s: float  # in every job that runs some of its cases: its packages are converted
    cases_s: Mapping[str, float]  # case → drawing and scoring it

    def of(self, cases: Iterable[str]) -> float:
        """Of a part of its cases."""
        return self.once_s + sum(self.cases_s[case] for case in cases)


@dataclass(frozen=True)
class Durations:
    """What is known of all lanes of a suite, and what it rests on."""

    start_s: Mapping[str, float] = field(default_factory=dict)  # kind of machine → of each job: imports, models, report
    lanes: Mapping[str, LaneDuration] = field(default_factory=dict)  # those of which something is known
    rests_on: str = ""  # in words

    def of(self, role: str, parts: Iterable[LanePart]) -> float | None:
        """Seconds of one job; None where nothing is known of a lane."""
        found = self.start_s.get(role, 0.0)
        for part in parts:
            if part.lane not in self.lanes:
                return None
            found += self.lanes[part.lane].of(part.cases)
        return found
