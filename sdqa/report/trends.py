"""Trends over a history: one row for each metric of a lane, as a sparkline with its last step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sdqa.history import RecordedRun
from sdqa.report.format import show_figure
from sdqa.report.glyphs import sparkline

SHOWN = 50  # runs


@dataclass(frozen=True)
class TrendRow:
    """One metric of one lane over the runs."""

    lane: str
    metric: str
    runs: int
    first: str
    last: str
    change: str
    chart: Markup


@dataclass(frozen=True)
class Trend:
    """The section's content."""

    rows: tuple[TrendRow, ...]
    runs: tuple[tuple[str, str, str, int], ...]  # created, commit, ref, exit code; newest first
    unread: int = 0  # files of the history that could not be read


def trend_of(history: Sequence[RecordedRun], unread: int = 0) -> Trend | None:
    """Trends of the last runs without a planted fault; None where there are fewer than two."""
    records = [record for record in history if not record.fault][-SHOWN:]
    if len(records) < 2:
        return None
    series: dict[tuple[str, str], list[float]] = {}
    units: dict[tuple[str, str], str] = {}
    lanes = (lane for record in records for lane in record.lanes)
    for lane, figure in ((one.id, figure) for one in lanes for figure in one.figures.rows()):
        if figure.case or figure.value is None or not math.isfinite(figure.value):
            continue
        key = (lane, f"{figure.metric} · {figure.component}" if figure.component else figure.metric)
        # Figures of another unit are another figure: the series starts again.
        if units.setdefault(key, figure.unit) != figure.unit:
            series[key], units[key] = [], figure.unit
        series.setdefault(key, []).append(figure.value)
    rows = [_row(lane, metric, values, units[lane, metric]) for (lane, metric), values in series.items()]
    runs = tuple((one.created, one.commit[:10], one.ref, one.exit_code) for one in reversed(records))
    return Trend(tuple(row for row in rows if row.runs > 1), runs, unread)


def _row(lane: str, metric: str, values: list[float], unit: str) -> TrendRow:
    first, last = show_figure(values[0], unit), show_figure(values[-1], unit)
    change = show_figure(values[-1] - values[-2], unit, signed=True) if len(values) > 1 else ""
    label = f"{metric} in {lane}: from {first} to {last} over {len(values)} runs"
    return TrendRow(lane, metric, len(values), first, last, change, sparkline(values, label))
