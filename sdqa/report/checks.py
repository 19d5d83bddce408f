"""Verdicts as rows of the page."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from sdqa.bundle import Lane, Run, Status, Verdict
from sdqa.report.format import show_digest, show_figure
from sdqa.report.glyphs import interval_glyph, limit_glyph
from sdqa.report.headline import MARKS, SEVERITY
from sdqa.report.words import MUST_BE_ONE, bounds_difference, evidence_words, show_bound, show_verdict_interval


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
    bound: str  # "limit +0.05" or "limit 40 s"
    n: int
    reason: str
    fingerprint: str
    words: str  # all figures in one line
    excess: float  # how far beyond its limit, in limits; infinite where it is not finite or not measured
    verdict: Verdict
    better: str
    provisional: bool

    @property
    def chart(self) -> Markup:
        """The verdict as a small chart: drawn for a page, and for nothing else that reads the row."""
        return verdict_glyph(self.verdict, self.better)


def check_rows(run: Run) -> tuple[CheckRow, ...]:
    """All verdicts, failures first, then in the order of the run."""
    rows: list[CheckRow] = []
    for lane in run.lanes:
        better = {m.metric: m.better for m in lane.measurements}
        for verdict in lane.verdicts:
            rows.append(_row(f"check-{len(rows)}", lane, verdict, better.get(verdict.metric, "")))
    return tuple(sorted(rows, key=lambda row: SEVERITY[row.status]))


def excess_of(verdict: Verdict, better: str) -> float:
    """How far a figure lies beyond its limit, in units of the limit, to order checks of one status by."""
    figure = verdict.difference if bounds_difference(verdict) else verdict.value
    if figure is None or not math.isfinite(figure):
        return math.inf
    limit = verdict.tolerance or 0.0
    scale = abs(limit) or 1.0
    if better in ("higher", "equal"):
        return (limit - figure) / scale
    if better == "lower":
        return (figure - limit) / scale
    return (abs(figure) - abs(limit)) / scale


def verdict_glyph(verdict: Verdict, better: str) -> Markup:
    """The verdict as a small chart, empty where there is nothing to draw."""
    if verdict.metric in MUST_BE_ONE:
        return Markup("")  # yes or no: the mark says it all
    label = evidence_words(verdict)
    if bounds_difference(verdict):
        return interval_glyph(verdict.difference, verdict.interval, verdict.tolerance, better, label)
    return limit_glyph(verdict.value, verdict.interval, verdict.tolerance, better, label)


def _row(anchor: str, lane: Lane, verdict: Verdict, better: str) -> CheckRow:
    unit = verdict.unit
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
        interval=show_verdict_interval(verdict),
        bound=show_bound(verdict),
        n=verdict.n,
        reason=verdict.reason,
        fingerprint=show_digest(verdict.fingerprint),
        words=evidence_words(verdict),
        excess=excess_of(verdict, better),
        verdict=verdict,
        better=better,
        provisional=verdict.provisional,
    )
