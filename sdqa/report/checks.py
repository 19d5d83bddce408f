"""Verdicts as rows of the page."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from sdqa.bundle import Lane, Run, Status, Verdict
from sdqa.report.figures import MISSING, show_digest, show_figure, show_interval
from sdqa.report.glyphs import interval_glyph, limit_glyph
from sdqa.report.headline import MARKS, SEVERITY


@dataclass(frozen=True)
class CheckRow:
    """One verdict, ready to be shown."""

    anchor: str
    lane: str
    check: str
    metric: str
    case: str
    component: str
    status: Status
    mark: str
    value: str
    golden: str
    difference: str
    interval: str
    bound: str  # "0.05 tolerance" or "40 s limit"
    n: int
    reason: str
    fingerprint: str
    excess: float  # how far beyond its bound, in bounds: 1 is at the bound, infinite is not finite or not measured
    chart: Markup


def check_rows(run: Run) -> tuple[CheckRow, ...]:
    """All verdicts, failures first, then in the order of the run."""
    rows: list[CheckRow] = []
    for lane in run.lanes:
        better = {m.metric: m.better for m in lane.measurements}
        for verdict in lane.verdicts:
            rows.append(_row(f"check-{len(rows)}", lane, verdict, better.get(verdict.metric, "")))
    return tuple(sorted(rows, key=lambda row: SEVERITY[row.status]))


def is_limit(verdict: Verdict) -> bool:
    """Whether the tolerance bounds the figure itself (a budget), rather than its difference to the golden."""
    return verdict.golden is None and verdict.difference is None and verdict.interval is None


def excess_of(verdict: Verdict, better: str) -> float:
    """How bad a figure is, to order checks of one status by: its worst reading in units of its bound."""
    reading = verdict.value if is_limit(verdict) else verdict.difference
    if reading is None or not math.isfinite(reading):
        return math.inf
    bound = abs(verdict.tolerance) if verdict.tolerance else 1.0
    if not is_limit(verdict):
        return abs(reading) / bound
    if better == "higher":
        return bound / reading if reading > 0 else math.inf
    return reading / bound


def verdict_glyph(verdict: Verdict, better: str) -> Markup:
    """The verdict as a small chart, empty where there is nothing to draw."""
    if is_limit(verdict):
        label = f"{show_figure(verdict.value, verdict.unit)} of {show_figure(verdict.tolerance, verdict.unit)}"
        return limit_glyph(verdict.value, verdict.tolerance, better, label)
    label = (
        f"difference {show_figure(verdict.difference, verdict.unit, signed=True)}, "
        f"interval {show_interval(verdict.interval, verdict.unit)}, "
        f"tolerance {show_figure(verdict.tolerance, verdict.unit)}"
    )
    return interval_glyph(verdict.difference, verdict.interval, verdict.tolerance, better, label)


def _row(anchor: str, lane: Lane, verdict: Verdict, better: str) -> CheckRow:
    unit = verdict.unit
    word = "limit" if is_limit(verdict) else "tolerance"
    bound = MISSING if verdict.tolerance is None else f"{show_figure(verdict.tolerance, unit)} {word}"
    return CheckRow(
        anchor=anchor,
        lane=lane.id,
        check=verdict.check,
        metric=verdict.metric,
        case=verdict.case or "",
        component=verdict.component or "",
        status=verdict.status,
        mark=MARKS[verdict.status],
        value=show_figure(verdict.value, unit),
        golden=show_figure(verdict.golden, unit),
        difference=show_figure(verdict.difference, unit, signed=True),
        interval=show_interval(verdict.interval, unit),
        bound=bound,
        n=verdict.n,
        reason=verdict.reason,
        fingerprint=show_digest(verdict.fingerprint),
        excess=excess_of(verdict, better),
        chart=verdict_glyph(verdict, better),
    )
