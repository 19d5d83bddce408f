"""Verdicts as rows: what every surface shows of one check, and how far beyond its limit it is."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from sdqa.bundle import Lane, Run, Status, Verdict
from sdqa.report.format import show_figure, show_said
from sdqa.report.glyphs import interval_glyph, limit_glyph
from sdqa.report.headline import SEVERITY
from sdqa.report.words import MUST_BE_ONE, bounds_difference, evidence_words, show_bound, show_verdict_interval


@dataclass(frozen=True)
class CheckRow:
    """One verdict, ready to be shown; its figures become words when somebody reads them."""

    lane: str
    verdict: Verdict  # the figures themselves; its limit is filled in where the record has none
    better: str
    excess: float  # how far beyond its limit, in limits; infinite where it is not finite or not measured
    bounding: Verdict  # that has the limit

    @property
    def check(self) -> str:
        return self.verdict.check

    @property
    def metric(self) -> str:
        return self.verdict.metric

    @property
    def case(self) -> str:
        return self.verdict.case or ""

    @property
    def component(self) -> str:
        return self.verdict.component or ""

    @property
    def status(self) -> Status:
        return self.verdict.status

    @property
    def n(self) -> int:
        return self.verdict.n

    @property
    def provisional(self) -> bool:
        return self.verdict.provisional

    @property
    def value(self) -> str:
        return show_figure(self.verdict.value, self.verdict.unit)

    @property
    def golden(self) -> str:
        return show_figure(self.verdict.golden, self.verdict.unit)

    @property
    def difference(self) -> str:
        return show_figure(self.verdict.difference, self.verdict.unit, signed=True)

    @property
    def interval(self) -> str:
        return show_verdict_interval(self.verdict)

    @property
    def bound(self) -> str:
        """`limit +0.05` or `limit 40 s`."""
        return show_bound(self.bounding)

    @property
    def bounds_difference(self) -> bool:
        """Whether the limit is one on the difference."""
        return bounds_difference(self.bounding)

    @property
    def reason(self) -> str:
        return show_said(self.verdict.reason)

    @property
    def words(self) -> str:
        """All figures in one line."""
        return evidence_words(self.verdict)


def check_rows(run: Run) -> tuple[CheckRow, ...]:
    """All verdicts, failures first, then in the order of the run."""
    rows: list[CheckRow] = []
    for lane in run.lanes:
        better = {m.metric: m.better for m in lane.measurements}
        limits = _limits(lane.verdicts)
        rows += [_row(lane, verdict, better.get(verdict.metric, ""), limits) for verdict in lane.verdicts]
    return tuple(sorted(rows, key=lambda row: SEVERITY[row.status]))


def excess_of(verdict: Verdict, better: str) -> float:
    """How far a figure lies beyond its limit, in units of the limit, to order checks of one status by."""
    if verdict.metric in MUST_BE_ONE and verdict.status == "pass":
        return -1.0  # yes or no: what is right is not close to wrong
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


Scope = tuple[str, str | None, bool]  # metric, component, whether it is of a case


def _scope(verdict: Verdict) -> Scope:
    return (verdict.metric, verdict.component, verdict.case is not None)


def _limits(verdicts: Iterable[Verdict]) -> dict[Scope, Verdict]:
    """A check of each kind that has a limit, where all of its kind have the same.

    A figure that is not finite fails before its limit is looked up, so its record has none; the reader needs it.
    """
    found: dict[Scope, Verdict] = {}
    several: set[Scope] = set()
    for verdict in verdicts:
        if verdict.tolerance is not None:
            first = found.setdefault(_scope(verdict), verdict)
            if first.tolerance != verdict.tolerance:
                several.add(_scope(verdict))
    return {scope: verdict for scope, verdict in found.items() if scope not in several}


def _row(lane: Lane, verdict: Verdict, better: str, limits: dict[Scope, Verdict]) -> CheckRow:
    bounding = verdict
    if verdict.tolerance is None and verdict.value is not None and not math.isfinite(verdict.value):
        bounding = limits.get(_scope(verdict), verdict)
        verdict = verdict.model_copy(update={"tolerance": bounding.tolerance})
    return CheckRow(lane.id, verdict, better, excess_of(verdict, better), bounding)
