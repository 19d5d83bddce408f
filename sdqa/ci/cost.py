"""Minutes and money: what the jobs of a plan are expected to cost, and what those that ran did."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime

from sdqa.bundle import Provenance
from sdqa.bundle.cost import Bill
from sdqa.ci.jobs import OWN, PlannedJob
from sdqa.errors import UsageError

PRICES = {"linux": 0.006, "macos": 0.062}
"""USD a minute of GitHub's standard hosted runners (Linux with 2 cores, macOS with 3 or 4) from 2026-01-01 on."""
SOURCE = "GitHub's list of 2026-01-01, docs.github.com/billing/reference/actions-runner-pricing"
HOSTED = "github-hosted"
_SYSTEMS = {"ubuntu": "linux", "linux": "linux", "macos": "macos"}


def price_of(labels: Iterable[str]) -> float | None:
    """USD a minute of a machine with these labels: 0 for one's own, None where no list has it."""
    words = [label.lower() for label in labels]
    if OWN in words:
        return 0.0
    for word in words:
        for prefix, system in _SYSTEMS.items():
            if word == prefix or word.startswith(f"{prefix}-"):
                return PRICES[system]
    return None


def planned_cost(jobs: Sequence[PlannedJob]) -> tuple[float | None, float | None]:
    """Minutes and USD that jobs are expected to take, without installing; None where a lane's size is not known."""
    if any(job.seconds is None for job in jobs):
        return None, None
    minutes = [(job.seconds or 0.0) / 60 for job in jobs]
    prices = [price_of(job.runner) for job in jobs]
    money = _sum(None if price is None else price * math.ceil(m) for price, m in zip(prices, minutes, strict=True))
    return round(sum(minutes), 1), money


def demand_budget(jobs: Sequence[PlannedJob], minutes: float) -> None:
    """Hold a plan to a budget.

    Raises:
        UsageError: it is expected to take more, or nobody knows.
    """
    if not minutes:
        return
    planned, _ = planned_cost(jobs)
    hint = "plan fewer cases or lanes, or raise the budget"
    if planned is None:
        raise UsageError("a budget of minutes cannot be kept: the size of a model is not known", hint=hint)
    if planned > minutes:
        raise UsageError(f"the plan is expected to take {planned:g} minutes, the budget is {minutes:g}", hint=hint)


def cost_of(origins: Iterable[Provenance], jobs: Sequence[PlannedJob]) -> Bill:
    """What the jobs behind these bundles cost, each counted once.

    Args:
        jobs: of the plan; none where nobody knows it.
    """
    ran = list(dict.fromkeys(origins))
    minutes = [_minutes(origin) for origin in ran]
    prices = [price_of(_known(origin)) for origin in ran]
    money = _sum(None if price is None else price * math.ceil(m) for price, m in zip(prices, minutes, strict=True))
    planned = planned_cost(jobs) if jobs else (None, None)
    return Bill(
        jobs=len(ran),
        spent_minutes=round(sum(minutes), 1),
        planned_minutes=planned[0],
        spent_usd=money if ran else None,
        planned_usd=planned[1],
        prices=SOURCE if money is not None or planned[1] is not None else "",
    )


def _known(origin: Provenance) -> tuple[str, ...]:
    """Labels that a price may rest on: without a service that says so, a Linux machine is nobody's rented one."""
    return origin.labels if {HOSTED, OWN} & set(origin.labels) else ()


def _minutes(origin: Provenance) -> float:
    try:
        took = datetime.fromisoformat(origin.ended) - datetime.fromisoformat(origin.started)
    except (ValueError, TypeError):
        return 0.0
    return max(0.0, took.total_seconds() / 60)


def _sum(values: Iterable[float | None]) -> float | None:
    found = list(values)
    return None if any(value is None for value in found) else round(sum(value or 0.0 for value in found), 3)
