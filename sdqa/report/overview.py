"""Lanes × metrics: the worst status and the median figure of each cell. Page, Markdown and terminal share it."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

from sdqa.bundle import Lane, Measurement, Run, Status, Verdict
from sdqa.report.headline import SEVERITY, worst


@dataclass(frozen=True)
class Cell:
    """One metric in one lane, over its cases and components."""

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
class Row:
    """One metric over all lanes; None where a lane does not have it."""

    metric: str
    unit: str
    better: str
    cells: tuple[Cell | None, ...]

    @property
    def severity(self) -> int:
        """0 for a row with a failure; rows without verdicts come last."""
        return min((SEVERITY[c.status] for c in self.cells if c and c.status), default=len(SEVERITY))


def overview_of(run: Run) -> tuple[Row, ...]:
    """Rows by severity, then in the order in which the run names them."""
    metrics: dict[str, None] = {}
    for lane in run.lanes:
        metrics.update(dict.fromkeys(v.metric for v in lane.verdicts))
        metrics.update(dict.fromkeys(m.metric for m in lane.measurements))
    rows = []
    for metric in metrics:
        cells = tuple(_cell(metric, lane) for lane in run.lanes)
        known = [cell for cell in cells if cell]
        unit = next((cell.unit for cell in known if cell.unit), "")
        better = next((cell.better for cell in known if cell.better), "")
        rows.append(Row(metric, unit, better, cells))
    return tuple(sorted(rows, key=lambda row: row.severity))


def _cell(metric: str, lane: Lane) -> Cell | None:
    measurements = tuple(m for m in lane.measurements if m.metric == metric)
    verdicts = tuple(v for v in lane.verdicts if v.metric == metric)
    if not measurements and not verdicts:
        return None
    values = [m.value for m in measurements if m.value is not None]
    if not measurements:
        values = [v.value for v in verdicts if v.value is not None]
    finite = [value for value in values if math.isfinite(value)]
    units = [m.unit for m in measurements if m.unit] + [v.unit for v in verdicts if v.unit]
    return Cell(
        metric=metric,
        lane=lane.id,
        status=worst(v.status for v in verdicts),
        median=statistics.median(finite) if finite else None,
        non_finite=len(values) - len(finite),
        unit=units[0] if units else "",
        better=measurements[0].better if measurements else "",
        values=measurements,
        verdicts=verdicts,
    )
