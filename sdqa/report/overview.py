"""Lanes × metrics: the worst status and the median figure of each cell. Markdown and terminal share it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from sdqa.bundle import Lane, Measurement, Run, Status, Verdict
from sdqa.report.headline import SEVERITY, worst

Key = tuple[str, str | None, bool]  # metric, component, whether it is over cases


@dataclass(frozen=True)
class Cell:
    """One metric in one lane, over its cases."""

    metric: str
    lane: str
    status: Status | None  # None: measured, but not judged
    median: float | None  # over the finite values; None where there is none
    non_finite: int
    unit: str
    better: str
    values: tuple[Measurement, ...]
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True)
class OverviewRow:
    """One metric over the measured lanes; None where a lane does not have it."""

    metric: str
    component: str | None  # None: over cases, or of the whole lane
    unit: str
    better: str
    cells: tuple[Cell | None, ...]

    @property
    def label(self) -> str:
        """The metric, with its component where there is one."""
        return f"{self.metric} · {self.component}" if self.component else self.metric

    @property
    def severity(self) -> int:
        """0 for a row with a failure; rows without verdicts come last."""
        return min((SEVERITY[c.status] for c in self.cells if c and c.status), default=len(SEVERITY))


def measured_lanes(run: Run) -> tuple[Lane, ...]:
    """The lanes that have figures or verdicts: the columns of the overview."""
    return tuple(lane for lane in run.lanes if lane.measurements or lane.verdicts)


def overview_of(run: Run) -> tuple[OverviewRow, ...]:
    """Rows by severity, then in the order in which the run names them; those of components come after the others."""
    columns = [_cells(lane) for lane in measured_lanes(run)]
    rows = []
    for key in dict.fromkeys(key for column in columns for key in column):
        cells = tuple(column.get(key) for column in columns)
        known = [cell for cell in cells if cell]
        unit = next((cell.unit for cell in known if cell.unit), "")
        better = next((cell.better for cell in known if cell.better), "")
        rows.append(OverviewRow(key[0], key[1], unit, better, cells))
    return tuple(sorted(rows, key=lambda row: (row.severity, row.component is not None)))


def _over_cases(lane: Lane) -> frozenset[str]:
    """The metrics that a lane has for cases: its verdict on their mean belongs to them."""
    return frozenset(m.metric for m in lane.measurements if m.case is not None) | frozenset(
        v.metric for v in lane.verdicts if v.case is not None
    )


def _key(item: Measurement | Verdict, over_cases: frozenset[str]) -> Key:
    """Figures over cases belong together; each component's, and the lane's own, are figures of their own."""
    return (item.metric, item.component, item.component is None and item.metric in over_cases)


def _cells(lane: Lane) -> dict[Key, Cell]:
    """What a lane says, by row."""
    over_cases = _over_cases(lane)
    verdicts: dict[Key, list[Verdict]] = {}
    for verdict in lane.verdicts:
        verdicts.setdefault(_key(verdict, over_cases), []).append(verdict)
    measurements: dict[Key, list[Measurement]] = {}
    for measurement in lane.measurements:
        measurements.setdefault(_key(measurement, over_cases), []).append(measurement)
    keys = dict.fromkeys((*verdicts, *measurements))
    return {key: _cell(key, lane, measurements.get(key, ()), verdicts.get(key, ())) for key in keys}


def _cell(key: Key, lane: Lane, measurements: Sequence[Measurement], verdicts: Sequence[Verdict]) -> Cell:
    values = [m.value for m in measurements if m.value is not None]
    if not measurements:
        values = [v.value for v in verdicts if v.value is not None]
    finite = [value for value in values if math.isfinite(value)]
    units = [m.unit for m in measurements if m.unit] + [v.unit for v in verdicts if v.unit]
    return Cell(
        metric=key[0],
        lane=lane.id,
        status=worst(v.status for v in verdicts),
        median=statistics.median(finite) if finite else None,
        non_finite=len(values) - len(finite),
        unit=units[0] if units else "",
        better=measurements[0].better if measurements else "",
        values=tuple(measurements),
        verdicts=tuple(verdicts),
    )
