"""What no device measured: the Neural Engine lint's findings, and the estimated latency. Page and terminal share it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sdqa.bundle import Estimate, Lane, Package, Run
from sdqa.report.format import MISSING, plural

EFFECTS = {"leaves": "leaves it", "slow": "slow on it", "size": "too large"}
"""The lint's severities in words, the weightiest first."""
NOTABLE_SHARES = {"leaves": 0.001, "slow": 0.05, "size": 0.0}
"""Shares of the arithmetic from which the terminal names a finding; the page has all."""


@dataclass(frozen=True)
class PlacedFigure:
    """A finding of the lint in one package."""

    lane: str
    component: str
    rule: str
    effect: str
    operations: str
    share: str  # of the component's arithmetic
    reason: str
    modules: tuple[str, ...]
    notable: bool


@dataclass(frozen=True)
class EstimateTable:
    """Devices down, lanes across; a cell is missing where the lane has no estimate."""

    lanes: tuple[tuple[str, str], ...]  # identifier, and what is estimated
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    absent: tuple[tuple[str, str], ...]  # lanes without an estimate, and why


def placements(run: Run) -> tuple[PlacedFigure, ...]:
    """All findings, lane by lane, package by package."""
    return tuple(found for lane in run.lanes for package in lane.packages for found in _findings(lane.id, package))


def _findings(lane: str, package: Package) -> Iterator[PlacedFigure]:
    lint = package.facts.neural_engine
    for finding in lint.findings if lint else ():
        yield PlacedFigure(
            lane=lane,
            component=package.component,
            rule=finding.rule,
            effect=EFFECTS.get(finding.severity, finding.severity),
            operations=f"{finding.operations:,}" if finding.operations else MISSING,
            share=f"{finding.flops_share:.1%}" if finding.operations else MISSING,
            reason=finding.reason,
            modules=finding.modules,
            notable=finding.flops_share >= NOTABLE_SHARES.get(finding.severity, 0.0),
        )


def estimates(run: Run) -> EstimateTable | None:
    """The estimated latencies of a run's lanes; None where no lane has any, nor a reason."""
    lanes = [(lane, lane.estimate) for lane in run.lanes if lane.estimate is not None]
    if not lanes:
        return None
    known = [(lane, estimate) for lane, estimate in lanes if estimate.devices]
    devices = dict.fromkeys(one.device for _, estimate in known for one in estimate.devices)
    return EstimateTable(
        lanes=tuple((lane.id, _subject(estimate)) for lane, estimate in known),
        rows=tuple((device, tuple(_cell(estimate, device) for _, estimate in known)) for device in devices),
        absent=_absent([(lane, estimate) for lane, estimate in lanes if not estimate.devices]),
    )


def _subject(estimate: Estimate) -> str:
    return f"{estimate.case}, {plural(estimate.steps, 'U-Net run')}"


def _absent(lanes: list[tuple[Lane, Estimate]]) -> tuple[tuple[str, str], ...]:
    """Lanes without an estimate by their reason: many lanes, one reason, one line."""
    by_reason: dict[str, list[str]] = {}
    for lane, estimate in lanes:
        by_reason.setdefault(estimate.reason, []).append(lane.id)
    return tuple((", ".join(names), reason) for reason, names in by_reason.items())


def _cell(estimate: Estimate, device: str) -> str:
    for one in estimate.devices:
        if one.device == device:
            return f"{_rough(one.seconds)} ({_rough(one.low_s)} to {_rough(one.high_s)}), a step {_rough(one.step_s)}"
    return MISSING


def _rough(seconds: float) -> str:
    """Two digits: more would promise what an estimate cannot hold."""
    if seconds < 1:
        return f"{1000 * seconds:.2g} ms" if seconds < 0.0995 else f"{seconds:.2f} s"
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
