"""Trends over a history: one row for each metric of a lane, as a sparkline with its last step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sdqa.bundle import Run
from sdqa.history import RecordedRun
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
    for lane in (lane for record in records for lane in record.lanes):
        table = lane.figures
        for at in [at for at, case in enumerate(table.case) if not case]:
            value, component, unit = table.value[at], table.component[at], table.unit[at]
            if value is None or not math.isfinite(value):
                continue
            key = (lane.id, f"{table.metric[at]} · {component}" if component else table.metric[at])
            # Figures of another unit are another figure: the series starts again.
            if units.setdefault(key, unit) != unit:
                series[key], units[key] = [], unit
            series.setdefault(key, []).append(value)
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
    worst = sorted((place for place, row in enumerate(rows) if row.case), key=lambda place: rank(rows[place]))
    wanted = {_key(rows[place]): place for place in worst[:MAX_TRENDS]}
    columns: dict[int, list[float | None]] = {place: [None] * len(records) for place in wanted.values()}
    known: dict[str, tuple[Names, list[tuple[int, int]]]] = {}
    for number, record in enumerate(records):
        for lane in record.lanes:
            table = lane.figures
            names = (table.metric, table.case, table.component, table.unit)
            if lane.id not in known or known[lane.id][0] != names:  # as a rule they are the last record's
                known[lane.id] = names, _places(lane.id, names, wanted, rows)
            for at, place in known[lane.id][1]:
                columns[place][number] = _bounded(rows[place], table.value[at], table.difference[at])
    found: dict[int, CheckTrend] = {}
    for place, values in columns.items():
        now = _bounded(rows[place], rows[place].verdict.value, rows[place].verdict.difference)
        trend = _trend([*values, now])
        if trend is not None:
            found[place] = trend
    return found


Key = tuple[str, str, str, str]  # lane, metric, case, component
Names = tuple[tuple[str, ...], ...]  # metric, case, component, unit: a column each


def _key(row: CheckRow) -> Key:
    return row.lane, row.metric, row.case, row.component


def _places(lane: str, names: Names, wanted: Mapping[Key, int], rows: Sequence[CheckRow]) -> list[tuple[int, int]]:
    """Where a recorded lane has the figures of wanted checks, in the same unit, and the rows of these."""
    found = []
    for at, (metric, case, component, unit) in enumerate(zip(*names, strict=True)):
        place = wanted.get((lane, metric, case, component))
        if place is not None and rows[place].verdict.unit == unit:
            found.append((at, place))
    return found


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
