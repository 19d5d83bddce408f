"""What every stage is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sdqa.bundle import Bundle
from sdqa.plan import Plan, PlannedLane
from sdqa.progress import Progress, Silent
from sdqa.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from sdqa.faults import Injection


@dataclass(frozen=True)
class Job:
    """The plan, the store, the bundle to fill, the fault to plant and somebody to tell."""

    plan: Plan
    store: Store
    bundle: Bundle
    fault: Injection | None = None
    progress: Progress = field(default_factory=Silent)
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def sayer(self, lane: PlannedLane) -> Callable[[str], None]:
        """Tells what begins in a lane."""
        return lambda text: self.progress.step(f"{lane.id}: {text}")
