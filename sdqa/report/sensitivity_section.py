"""The sensitivity table of the page, from `Run.sensitivity`: which planted faults the gate caught, and whom it blamed.

The dictionary follows this schema. Every key is optional and unknown keys are ignored.

    faults    [{fault: str, severity: str | float,
                visible: bool,                         # a person would see it; others are reported, not counted
                caught: bool,
                checks: [str],                         # the metrics or checks that caught it
                component: str, blamed: str,           # where it was planted, and what the diagnosis named
                stage: str, blamed_stage: str,
                right: bool,                           # whether the blame was right; null: not diagnosed
                reason: str}]
    harmless  [{change: str, runs: int, alarms: int, checks: [str]}]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sdqa.report.figures import number_of, show_number
from sdqa.report.untyped import Untyped, records_at


@dataclass(frozen=True)
class FaultRow:
    """One fault at one severity."""

    fault: str
    severity: str
    visible: bool
    caught: bool
    checks: str
    component: str
    blamed: str
    right: bool | None
    reason: str


@dataclass(frozen=True)
class HarmlessRow:
    """One harmless change."""

    change: str
    runs: int
    alarms: int
    checks: str


@dataclass(frozen=True)
class Sensitivity:
    """What the page shows of a sensitivity table."""

    faults: tuple[FaultRow, ...]
    harmless: tuple[HarmlessRow, ...]
    sentence: str


def sensitivity_of(data: Untyped | None) -> Sensitivity | None:
    """The section's content; None where no faults were planted."""
    if not isinstance(data, dict) or not data:
        return None
    faults = tuple(_fault(record) for record in records_at(data, "faults"))
    harmless = tuple(_harmless(record) for record in records_at(data, "harmless"))
    visible = [row for row in faults if row.visible]
    blamed = [row for row in faults if row.right is not None]
    parts = []
    if visible:
        parts.append(f"{sum(row.caught for row in visible)} of {len(visible)} visible faults caught")
    if blamed:
        parts.append(f"{sum(bool(row.right) for row in blamed)} of {len(blamed)} blamed rightly")
    if harmless:
        runs = sum(row.runs for row in harmless)
        parts.append(f"{sum(row.alarms for row in harmless)} false alarms in {runs} harmless runs")
    return Sensitivity(_by_importance(faults), harmless, "; ".join(parts) + "." if parts else "")


def _by_importance(faults: tuple[FaultRow, ...]) -> tuple[FaultRow, ...]:
    """What slipped through first, then what was blamed wrongly."""
    return tuple(sorted(faults, key=lambda row: (row.caught or not row.visible, row.right is not False)))


def _text(value: Any) -> str:
    number = number_of(value)
    return value if isinstance(value, str) else (show_number(number) if number is not None else "")


def _texts(value: Any) -> str:
    return ", ".join(str(part) for part in value) if isinstance(value, list | tuple) else _text(value)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _fault(record: Untyped) -> FaultRow:
    right = record.get("right")
    blamed = [_text(record.get(key)) for key in ("blamed", "blamed_stage")]
    planted = [_text(record.get(key)) for key in ("component", "stage")]
    return FaultRow(
        fault=_text(record.get("fault")),
        severity=_text(record.get("severity")),
        visible=record.get("visible") is not False,
        caught=record.get("caught") is True,
        checks=_texts(record.get("checks")),
        component=", ".join(part for part in planted if part),
        blamed=", ".join(part for part in blamed if part),
        right=right if isinstance(right, bool) else None,
        reason=_text(record.get("reason")),
    )


def _harmless(record: Untyped) -> HarmlessRow:
    return HarmlessRow(
        change=_text(record.get("change")),
        runs=_count(record.get("runs")),
        alarms=_count(record.get("alarms")),
        checks=_texts(record.get("checks")),
    )
