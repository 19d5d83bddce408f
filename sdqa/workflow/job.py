"""What every stage is given, and how it comes about."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sdqa.bundle import Bundle
from sdqa.plan import Plan, PlannedLane, load_suite, make_plan, only_unit
from sdqa.progress import Progress, Silent
from sdqa.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from sdqa.faults import Injection


@dataclass(frozen=True)
class Job:
    """The plan, the store, the bundle to fill, the fault to plant and somebody to tell."""

    plan: Plan
    store: Store
    bundle: Bundle
    fault: Injection | None = None
    progress: Progress = field(default_factory=Silent)
    timed: bool = True  # whether times are wanted of this run: a case that the store has is drawn again for them
    compared: bool = True  # whether each component is held against the teacher's as well
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def sayer(self, lane: PlannedLane) -> Callable[[str], None]:
        """Tells what begins in a lane."""
        return lambda text: self.progress.step(f"{lane.id}: {text}")


def prepare(
    suite: Path,
    store: Store,
    output: Path,
    lanes: Iterable[str],
    fault: str = "",
    progress: Progress | None = None,
    unit: str = "",
) -> Job:
    """Plan what this machine runs of a suite, with a fault planted where one is named.

    Args:
        unit: what one of several jobs runs of it, see `sdqa.plan.parts`; empty for all.
    """
    from sdqa.faults import injection
    from sdqa.words import require_known_metrics

    plan = require_known_metrics(make_plan(load_suite(suite), suite, only=tuple(lanes)))
    if unit:
        plan = only_unit(plan, unit)
    return Job(plan, store, Bundle(output), injection(fault) if fault else None, progress or Silent())
