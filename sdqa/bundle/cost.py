"""What a run's machines cost: minutes, and money where somebody's list of prices is known."""

from __future__ import annotations

from sdqa.bundle.record import Record


class Bill(Record):
    """Planned and spent, over all jobs that left a bundle; installing is not in it."""

    jobs: int
    spent_minutes: float
    planned_minutes: float | None = None  # None where nobody planned, or a lane's size is not known
    spent_usd: float | None = None  # of hosted machines, whole minutes a job; None where a price is not known
    planned_usd: float | None = None
    prices: str = ""  # whose, and of when
