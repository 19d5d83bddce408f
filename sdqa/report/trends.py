"""Trends over a history: one row for each metric of a lane, as a sparkline with its last step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sdqa.bundle import Run
from sdqa.history import RecordedLane, RecordedRun
from sdqa.report.cases import rank
from sdqa.report.checks import CheckRow
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


MAX_TRENDS = 2_000
"""Checks whose last runs a page draws: the worst."""
LEVELS = 40


@dataclass(frozen=True)
class CheckTrend:
    """What the limit of one check holds, over the last runs and this one."""

    low: float
    high: float
    marks: str  # a character a run: "0" + 0 to 40 between low and high; "." where there is none
    before: float  # in the last run before this one
    runs: int


def check_trends(history: Sequence[RecordedRun], run: Run, rows: Sequence[CheckRow]) -> dict[int, CheckTrend]:
    """Place of a row → its trend: of the worst checks of cases that earlier runs know too.

    Args:
        history: the oldest first; it may hold the run itself.
    """
    records = [one for one in history if not one.fault and one.created != run.created][-SHOWN:]
    if not records:
        return {}
    wanted = {(row.lane, row.metric, row.case, row.component): place for place, row in enumerate(rows) if row.case}
    columns: dict[int, list[float | None]] = {}
    for number, record in enumerate(records):
        for lane in record.lanes:
            for place, value in _case_figures(lane, wanted, rows):
                columns.setdefault(place, [None] * len(records))[number] = value
    found: dict[int, CheckTrend] = {}
    for place in sorted(columns, key=lambda place: rank(rows[place]))[:MAX_TRENDS]:
        now = _bounded(rows[place], rows[place].verdict.value, rows[place].verdict.difference)
        trend = _trend([*columns[place], now])
        if trend is not None:
            found[place] = trend
    return found


def _case_figures(
    lane: RecordedLane, wanted: Mapping[tuple[str, str, str, str], int], rows: Sequence[CheckRow]
) -> Iterator[tuple[int, float]]:
    """A recorded lane's figures of the wanted checks, where their unit is the same."""
    table = lane.figures
    for at, (metric, case, component) in enumerate(zip(table.metric, table.case, table.component, strict=True)):
        place = wanted.get((lane.id, metric, case, component)) if case else None
        if place is None or rows[place].verdict.unit != table.unit[at]:
            continue
        value = _bounded(rows[place], table.value[at], table.difference[at])
        if value is not None:
            yield place, value


def _bounded(row: CheckRow, value: float | None, difference: float | None) -> float | None:
    """What the check's limit holds, where it is finite."""
    figure = difference if row.bounds_difference else value
    return figure if figure is not None and math.isfinite(figure) else None


def _trend(values: Sequence[float | None]) -> CheckTrend | None:
    earlier = [value for value in values[:-1] if value is not None]
    if not earlier:
        return None
    known = [value for value in values if value is not None]
    low, high = min(known), max(known)
    span = high - low

    def mark(value: float | None) -> str:
        if value is None:
            return "."
        return chr(48 + (round((value - low) / span * LEVELS) if 0 < span < math.inf else LEVELS // 2))

    return CheckTrend(low, high, "".join(map(mark, values)), earlier[-1], len(known))
