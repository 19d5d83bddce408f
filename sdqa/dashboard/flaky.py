"""Checks that said different things of the same: same packages, goldens, judge, suite and machine, another verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sdqa.dashboard.series import CasePoint, FigureSeries, LaneRun, Point

DECIDED = frozenset({"pass", "suspicious", "fail"})


@dataclass(frozen=True)
class Flaky:
    """One check."""

    series: str
    lane: str
    label: str
    case: str
    statuses: tuple[tuple[str, int], ...]  # status → runs of the same inputs, the most frequent first
    runs: tuple[int, ...]  # indices at which it said something else than the time before
    values: tuple[float, float] | None  # smallest and largest of what the limit holds


def flaky_of(series: FigureSeries, of_runs: Mapping[int, LaneRun]) -> Iterator[Flaky]:
    """The checks of a series that are flaky: the lane's own, then its cases'."""
    checks: dict[str, Sequence[Point] | Sequence[CasePoint]] = {"": series.points}
    checks |= {case: one.points() for case, one in series.cases.items() if len({*one.status} & DECIDED) > 1}
    for case, points in checks.items():
        found = _flaky(points, of_runs)
        if found is not None:
            yield Flaky(series.id, series.lane, series.label, case, *found)


def _flaky(
    points: Sequence[Point] | Sequence[CasePoint], of_runs: Mapping[int, LaneRun]
) -> tuple[tuple[tuple[str, int], ...], tuple[int, ...], tuple[float, float] | None] | None:
    if len({point.status for point in points} & DECIDED) < 2:
        return None
    groups: dict[str, list[Point | CasePoint]] = {}
    for point in points:
        if point.status in DECIDED and point.run in of_runs:
            groups.setdefault(of_runs[point.run].inputs, []).append(point)
    mixed = [group for group in groups.values() if len({point.status for point in group}) > 1]
    if not mixed:
        return None
    together = [point for group in mixed for point in group]
    counts = {status: sum(point.status == status for point in together) for status in DECIDED}
    turned = [after.run for group in mixed for before, after in pairwise(group) if before.status != after.status]
    known = [point.judged for point in together if point.judged is not None]
    ordered = tuple(sorted(((name, n) for name, n in counts.items() if n), key=lambda one: -one[1]))
    return ordered, tuple(turned), (min(known), max(known)) if known else None
