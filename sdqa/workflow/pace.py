"""How far a long work is, and how long the rest takes by what was measured so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from sdqa.plan.quantity import show_about
from sdqa.progress import Progress

Made = TypeVar("Made")


@dataclass(frozen=True)
class Numbered:
    """Says of every step which part of the work it belongs to."""

    progress: Progress
    number: str

    def step(self, text: str) -> None:
        """Something begins within the part."""
        self.progress.step(f"{self.number}: {text}")


@dataclass
class Timed:
    """One part, and how long it takes where nothing of it is in the store."""

    progress: Progress
    seconds: float = 0.0

    def drawn(self, made: Made, seconds: float) -> Made:
        """Remember how long the drawing took whenever it was done, and give back what was made."""
        self.seconds = seconds
        return made


@dataclass
class Pace:
    """Says "7 of 27", and how long the rest takes."""

    progress: Progress
    total: int
    clock: Callable[[], float] = time.monotonic
    seconds: list[float] = field(default_factory=list)
    """Of each finished part: as long as it took, or took when it was drawn."""

    @contextmanager
    def part(self, what: str) -> Iterator[Timed]:
        """One part of the work, from its beginning to its end."""
        left = f"; about {show_about(self.left_s)} left" if self.seconds else ""
        within = Numbered(self.progress, f"{len(self.seconds) + 1} of {self.total}")
        within.step(f"{what}{left}")
        timed, begun = Timed(within), self.clock()
        yield timed
        self.seconds.append(max(timed.seconds, self.clock() - begun))

    @property
    def spent_s(self) -> float:
        """What the finished parts take, with an empty store."""
        return sum(self.seconds)

    @property
    def usual_s(self) -> float:
        """What an average part takes that converts nothing: the first is the one that may."""
        later = self.seconds[1:] or self.seconds
        return sum(later) / len(later) if later else 0.0

    @property
    def left_s(self) -> float:
        """What the parts take that are not finished."""
        return (self.total - len(self.seconds)) * self.usual_s
