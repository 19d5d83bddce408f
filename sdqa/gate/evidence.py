"""A lane's measurements, sorted for judging, and the names of the checks that they allow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sdqa.errors import EXIT_GATE_FAILED

if TYPE_CHECKING:
    from sdqa.bundle import Lane, Measurement
    from sdqa.gate.tolerances import Tolerances


HARD = frozenset({"finite", "shape", "contract", "coverage"})
"""Metrics that must read exactly 1: they need no tolerance, and nothing else counts before them."""
FATAL = frozenset({"finite", "shape"})
"""Hard metrics of a case without which no other figure of the case means anything."""
EXECUTED = frozenset({"parity_psnr"})
"""Metrics of a component that ask its package to run: one that cannot fails them."""
BUDGETS = (
    "model_memory_bytes",
    "one_at_a_time_memory_bytes",
    "off_neural_engine_percent",
    "inference_s",
    "end_to_end_s",
)
PLACEMENT = BUDGETS[2]
"""The budget that follows from a lint of the packages: of a format without one, nobody knows."""
FROM_PACKAGES = frozenset(BUDGETS[:3])
"""Budgets whose figures follow from the packages, whatever executes them."""
ALL, BUDGET = "all", "budget"
"""Scopes that are neither a case nor a component."""


class StatedBudgets(Protocol):
    """The phone's limits; None is no limit."""

    @property
    def model_memory_bytes(self) -> int | None: ...
    @property
    def one_at_a_time_memory_bytes(self) -> int | None: ...
    @property
    def off_neural_engine_percent(self) -> float | None: ...
    @property
    def inference_s(self) -> float | None: ...
    @property
    def end_to_end_s(self) -> float | None: ...


@dataclass(frozen=True)
class NoBudgets:
    """A suite without budgets."""

    model_memory_bytes: int | None = None
    one_at_a_time_memory_bytes: int | None = None
    off_neural_engine_percent: float | None = None
    inference_s: float | None = None
    end_to_end_s: float | None = None


@dataclass(frozen=True)
class MeasuredLane:
    """What a lane measured."""

    lane: Lane
    cases: Mapping[str, Mapping[str, Measurement]]  # metric → case → figure
    components: Mapping[tuple[str, str], Measurement]  # (component, metric) → figure
    whole: Mapping[str, Measurement]  # metric → figure of the lane
    broken: Mapping[str, str]  # case → why nothing about it can be compared
    expected: Mapping[str, frozenset[str]]  # metric → the cases that were planned for it, where that is known

    @staticmethod
    def of(lane: Lane, planned: Iterable[str] = ()) -> MeasuredLane:
        """Sort a lane's measurements; two figures of one thing that differ are none.

        Args:
            planned: check ids.
        """
        cases: dict[str, dict[str, Measurement]] = {}
        components: dict[tuple[str, str], Measurement] = {}
        whole: dict[str, Measurement] = {}
        for measurement in lane.measurements:
            if measurement.case is not None:
                table = cases.setdefault(measurement.metric, {})
                table[measurement.case] = _one_of(table.get(measurement.case), measurement)
            elif measurement.component is not None:
                key = (measurement.component, measurement.metric)
                components[key] = _one_of(components.get(key), measurement)
            else:
                whole[measurement.metric] = _one_of(whole.get(measurement.metric), measurement)
        broken: dict[str, str] = {}
        for metric in sorted(FATAL & set(cases)):
            for case, measurement in cases[metric].items():
                if measurement.value is not None and measurement.value != 1:
                    detail = f": {measurement.reason}" if measurement.reason else ""
                    broken.setdefault(case, f"{metric} is {measurement.value:.6g}, must be 1{detail}")
        scopes = {name for name, _ in components} | {package.component for package in lane.packages} | {ALL, BUDGET}
        expected: dict[str, set[str]] = {}
        for check in planned:
            scope, _, metric = check.removeprefix(f"{lane.id}/").rpartition("/")
            if scope not in scopes and metric in cases:
                expected.setdefault(metric, set()).add(scope)
        return MeasuredLane(
            lane, cases, components, whole, broken, {m: frozenset(found) for m, found in expected.items()}
        )

    def failure(self, scope: str) -> str:
        """Why a case or component has no figure, from the lane's failures."""
        for failure in self.lane.failures:
            if failure.where == scope or scope in failure.where.replace(":", "/").split("/"):
                return f"{failure.stage}: {failure.message}"
        if self.lane.status != "ran":
            return self.lane.reason or f"the lane is {self.lane.status}"
        return "planned, but nothing was measured"

    def cannot_run(self, component: str) -> str:
        """Why a component's package, which is there, cannot be run; empty where nothing says so."""
        return next(
            (
                failure.message
                for failure in self.lane.failures
                if failure.where == component and failure.exit_code == EXIT_GATE_FAILED
            ),
            "",
        )

    def checks(self, tolerances: Tolerances | None, budgets: StatedBudgets) -> list[str]:
        """The checks that the measurements allow, in a stable order."""
        from sdqa.bundle import is_timing

        found: list[str] = []
        for metric, table in sorted(self.cases.items()):
            if is_timing(metric):
                continue
            found.extend(f"{case}/{metric}" for case in sorted(table))
            if metric not in HARD:
                found.append(f"{ALL}/{metric}")
        for component, metric in sorted(self.components):
            known = tolerances is not None and tolerances.find(self.lane, metric, component) is not None
            if metric in HARD or known:
                found.append(f"{component}/{metric}")
        found.extend(f"{ALL}/{metric}" for metric in sorted(self.whole) if metric in HARD)
        found.extend(f"{BUDGET}/{name}" for name in BUDGETS if getattr(budgets, name) is not None)
        return [f"{self.lane.id}/{check}" for check in found]


def plan_checks(
    lane_id: str,
    cases: Mapping[str, Sequence[str]],
    components: Mapping[str, Sequence[str]] | None = None,
    whole: Iterable[str] = (),
    budgets: StatedBudgets | None = None,
) -> list[str]:
    """The checks that a lane will have to answer, before anything runs.

    Args:
        cases: case → its metrics (`sdqa.metrics.applicable`).
        components: component → its metrics.
        whole: hard metrics of the lane.
    """
    metrics = sorted({metric for names in cases.values() for metric in names} - HARD)
    found = [f"{case}/{metric}" for case, names in cases.items() for metric in names]
    found += [f"{ALL}/{metric}" for metric in metrics]
    found += [f"{component}/{metric}" for component, names in (components or {}).items() for metric in names]
    found += [f"{ALL}/{metric}" for metric in whole]
    limits = budgets or NoBudgets()
    found += [f"{BUDGET}/{name}" for name in BUDGETS if getattr(limits, name) is not None]
    return [f"{lane_id}/{check}" for check in found]


def _one_of(known: Measurement | None, other: Measurement) -> Measurement:
    """The figure of something that was measured once. Of two that differ there is none: neither may be chosen."""
    if known is None or is_same_figure(known, other):
        return other
    reason = f"there are two figures, {_figure(known.value)} and {_figure(other.value)}: run the lane again"
    return known.model_copy(update={"value": None, "golden": None, "reason": reason})


def is_same_figure(one: Measurement, other: Measurement) -> bool:
    """Whether two records say the same, so that it does not matter which is taken."""
    fields = ("value", "golden", "fingerprint", "replayed")
    return repr([getattr(one, name) for name in fields]) == repr([getattr(other, name) for name in fields])  # NaN


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"
