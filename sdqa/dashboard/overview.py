"""What a page says of a series in one line: its last figure, how far it has come, and what to look at first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sdqa.dashboard.changes import Change, Event
from sdqa.dashboard.series import DatedRun, FigureSeries, LaneRun, Point, position
from sdqa.report.format import show_share

SPARK = 40
"""Runs that a small line shows."""
NEAR = 0.9
"""Of the way to its limit: what is said to be near."""


@dataclass(frozen=True)
class Row:
    """One series, as the overview and the list of series show it."""

    id: str
    lane: str
    label: str
    unit: str
    better: str
    last: Point
    usual: float | None  # median of the last runs that it should be the same in
    room: float | None  # see `position`
    since: float | None  # change since the last golden or judge change, in the figure's unit
    spark: tuple[float | None, ...]  # last runs, between 0 and 1
    runs: int
    changed: int | None  # index of the run of its last change

    @property
    def severity(self) -> tuple[int, float]:
        """Failures first, then what is unproved, then by how near the limit is."""
        order = {"fail": 0, "not measured": 1, "suspicious": 2, "pass": 3, "not judged": 4, "": 5}
        return order[self.last.status], -(self.room or 0.0)


def row_of(series: FigureSeries, changes: Sequence[Change], since: int, usual: float | None = None) -> Row:
    """The line of a series.

    Args:
        since: index of the run from which on goldens and judge are today's.
        usual: what the figure is as a rule; the last one where nobody says.
    """
    last = series.points[-1]
    first = next((point for point in series.points if point.run >= since and point.judged is not None), None)
    moved = None
    if first is not None and first.judged is not None and last.judged is not None:
        moved = last.judged - first.judged
    return Row(
        id=series.id,
        lane=series.lane,
        label=series.label,
        unit=series.unit,
        better=series.better,
        last=last,
        usual=last.value if usual is None else usual,
        room=position(last, series.better),
        since=moved if moved is not None and math.isfinite(moved) else None,
        spark=spark([point.judged for point in series.points[-SPARK:]]),
        runs=len(series.points),
        changed=changes[-1].run if changes else None,
    )


def spark(values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Values between 0 and 1, two digits; a series that stands still lies in the middle."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return ()
    low, high = min(known), max(known)
    if not (high - low) > 1e-12 * max(abs(low), abs(high), 1e-300) or not math.isfinite(high - low):
        return tuple(None if value is None or not math.isfinite(value) else 0.5 for value in values)
    return tuple(
        None if value is None or not math.isfinite(value) else round((value - low) / (high - low), 2)
        for value in values
    )


@dataclass(frozen=True)
class Alert:
    """Something to look at first."""

    kind: str  # fail, change, near, unread
    words: str
    series: str | None = None


def alerts(rows: Sequence[Row], events: Sequence[Event], runs: Sequence[DatedRun], unread: int) -> Iterator[Alert]:
    """What to look at first: failures of the last run, the newest change for the worse, what is near its limit."""
    failing = [row for row in rows if row.last.status == "fail"]
    for row in failing[:5]:
        yield Alert("fail", f"{row.label} fails in {row.lane}", row.id)
    if len(failing) > 5:
        yield Alert("fail", f"and {len(failing) - 5} more figures fail")
    better = {(change.series, event.run) for event in events for change in event.changes if change.size < 0}
    for event in [
        one
        for one in events
        if one.size > 0
        and not one.of_times_alone
        and not any(series == one.changes[0].series and run > one.run for series, run in better)  # put right since
    ][:3]:
        ago = len(runs) - 1 - event.run
        when = "with the last run" if ago == 0 else f"{ago} run{'s' if ago != 1 else ''} ago"
        change = event.changes[0]
        more = f" and {len(event.changes) - 1} more" if len(event.changes) > 1 else ""
        yield Alert("change", f"{change.label}{more} got worse in {event.lane}, {when}", change.series)
    near = [row for row in rows if row.room is not None and NEAR <= row.room <= 1 and row.last.status != "fail"]
    for row in near[:3]:
        yield Alert("near", f"{row.label} uses {show_share(row.room or 0.0)} of its limit in {row.lane}", row.id)
    if unread:
        yield Alert("unread", f"{unread} file{'s' if unread != 1 else ''} of the history could not be read: skipped")


def settled_since(runs: Sequence[DatedRun], of_runs: Mapping[int, LaneRun]) -> int:
    """Index of the first run of a lane that had today's goldens and judge."""
    found = -1
    last: tuple[str, str] | None = None
    for index in sorted(of_runs, reverse=True):
        if not runs[index].on_main_line:
            continue
        key = (of_runs[index].goldens, runs[index].header.judge)
        if last is not None and key != last:
            break
        last, found = key, index
    return max(found, 0)
