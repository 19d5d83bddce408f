"""Lanes as summary cards, and their packages."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from sdqa.bundle import Lane, Measurement, Package, Run, Status
from sdqa.report.checks import verdict_glyph
from sdqa.report.facts import FactRows, facts_of
from sdqa.report.format import show_bytes, show_digest, show_figure, show_words
from sdqa.report.headline import lane_tone


@dataclass(frozen=True)
class LaneFigure:
    """A figure of the whole lane: latency, memory, size …"""

    name: str
    shown: str
    spread: str
    bound: str
    status: Status | None
    chart: Markup


@dataclass(frozen=True)
class ComponentTable:
    """Figures of each component: metrics across, components down; None where a component lacks a metric."""

    metrics: tuple[str, ...]
    rows: tuple[tuple[str, tuple[LaneFigure | None, ...]], ...]


@dataclass(frozen=True)
class PackageRow:
    """One converted component."""

    lane: str
    component: str
    name: str
    bytes: str
    digest: str
    operations: str
    bit_widths: str
    facts: FactRows


@dataclass(frozen=True)
class LaneCard:
    """One lane at a glance."""

    id: str
    status: Status
    state: str  # ran, incomplete, skipped
    reason: str
    counts: tuple[tuple[Status, int], ...]
    provisional: int
    parts: tuple[tuple[str, str], ...]
    size: str
    figures: tuple[LaneFigure, ...]
    components: ComponentTable | None
    fingerprint: FactRows
    remarks: tuple[str, ...]
    """On its model and cases."""


def lane_cards(run: Run) -> tuple[LaneCard, ...]:
    """Cards in the order of the run."""
    return tuple(_card(lane) for lane in run.lanes)


def _card(lane: Lane) -> LaneCard:
    counts: dict[Status, int] = {}
    for verdict in lane.verdicts:
        counts[verdict.status] = counts.get(verdict.status, 0) + 1
    total = sum(package.bytes for package in lane.packages)
    return LaneCard(
        id=lane.id,
        status=lane_tone(lane),
        state=lane.status,
        reason=lane.reason,
        counts=tuple(counts.items()),
        provisional=sum(verdict.provisional for verdict in lane.verdicts),
        parts=(
            ("model", lane.model),
            ("variant", lane.variant),
            ("runtime", lane.runtime),
            ("compute unit", lane.compute_unit),
        ),
        size=show_bytes(total) if lane.packages else "",
        figures=tuple(_figure(m, lane) for m in lane.measurements if m.case is None and m.component is None),
        components=_components(lane),
        fingerprint=facts_of(lane.fingerprint),
        remarks=lane.remarks,
    )


def _components(lane: Lane) -> ComponentTable | None:
    known = [m for m in lane.measurements if m.case is None and m.component is not None]
    if not known:
        return None
    metrics = tuple(dict.fromkeys(m.metric for m in known))
    figures = {(m.component, m.metric): _figure(m, lane) for m in known}
    names = dict.fromkeys(m.component or "" for m in known)
    rows = tuple((name, tuple(figures.get((name, metric)) for metric in metrics)) for name in names)
    return ComponentTable(tuple(show_words(metric) for metric in metrics), rows)


def _figure(measurement: Measurement, lane: Lane) -> LaneFigure:
    verdict = next(
        (
            v
            for v in lane.verdicts
            if v.metric == measurement.metric and v.case is None and v.component == measurement.component
        ),
        None,
    )
    unit = measurement.unit
    shown = show_figure(measurement.value, unit)
    if measurement.value is None and measurement.reason:
        shown = f"not measured: {measurement.reason}"
    spread = ""
    if measurement.spread is not None:
        spread = f"± {show_figure(measurement.spread, unit)}, n = {measurement.n}"
    bound = ""
    if verdict and verdict.tolerance is not None and verdict.golden is None:
        bound = f"of {show_figure(verdict.tolerance, unit)}"
    return LaneFigure(
        name=show_words(measurement.metric),
        shown=shown,
        spread=spread,
        bound=bound,
        status=verdict.status if verdict else None,
        chart=verdict_glyph(verdict, measurement.better) if verdict else Markup(""),
    )


def package_rows(run: Run) -> tuple[PackageRow, ...]:
    """All packages, lane by lane."""
    return tuple(_package(lane.id, package) for lane in run.lanes for package in lane.packages)


def _package(lane: str, package: Package) -> PackageRow:
    # The widths have a column of their own, the lint's findings a table of their own.
    facts = facts_of(package.facts, {"bit_widths": True, "neural_engine": {"findings"}})
    return PackageRow(
        lane=lane,
        component=package.component,
        name=package.name,
        bytes=show_bytes(package.bytes),
        digest=show_digest(package.digest),
        operations=f"{package.operations:,}" if package.operations else "",
        bit_widths=", ".join(f"{bits}-bit × {count:,}" for bits, count in package.facts.bit_widths.items()),
        facts=facts,
    )
