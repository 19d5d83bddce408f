"""Times and memory follow from the candidate and from whatever else its machine does: the second is no change.

What else runs on a shared machine comes and goes for many runs at a time, so that the steps from run to run say little
of how far a time wanders. But the history itself shows it: where packages, sdqa and fingerprint are the same on both
sides of a step, nothing that the project made has changed. Such a step is the machine's; it is drawn, and not told. And
a step that coincides with a change is told only where it is larger than every step of the machine's.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from sdqa.dashboard.changes import TIMES, Change
from sdqa.dashboard.series import DatedRun, FigureSeries, LaneRun

NEAR = 1
"""Runs by which a step may be found beside where it is."""
STEADY = 9
"""Runs that a usual time is the median of."""


def follows_from(runs: Sequence[DatedRun], of_runs: Mapping[int, LaneRun]) -> dict[int, str]:
    """What a lane's times follow from as far as the history knows, by the index of the run."""
    return {
        index: f"{lane.packages} {lane.fingerprint} {runs[index].header.sdqa_version}"
        for index, lane in of_runs.items()
    }


def project_changes(
    series: FigureSeries, changes: Sequence[Change], follows: Mapping[int, str]
) -> tuple[list[Change], list[Change]]:
    """The changes of a series that are the project's, and those of times and memory that are the machine's alone.

    Args:
        follows: see `follows_from`; a run that it does not know may be anything.
    """
    if not series.metric.endswith(TIMES):
        return list(changes), []
    runs = [point.run for point in series.points]
    places = {run: place for place, run in enumerate(runs)}
    still: list[Change] = []
    others: list[Change] = []
    for change in changes:
        before, after = places[change.before], places[change.run]
        around = {follows.get(run) for run in runs[max(0, before - NEAR) : after + NEAR + 1]}
        (still if len(around) == 1 and None not in around else others).append(change)
    largest = max((_step(one) for one in still), default=0.0)
    small = [one for one in others if still and _step(one) <= largest]
    own = [one for one in others if one not in small]
    return own, sorted([*still, *small], key=lambda one: one.run)


def usual(series: FigureSeries, follows: Mapping[int, str]) -> float | None:
    """The median of a figure over the last runs that its times should be the same in, nine at most: one reading of a
    shared machine says little."""
    last = follows.get(series.points[-1].run)
    same: list[float] = []
    for point in reversed(series.points):
        if len(same) == STEADY or follows.get(point.run) != last:
            break
        if point.value is not None and math.isfinite(point.value):
            same.append(point.value)
    return statistics.median(same) if same else None


def _step(change: Change) -> float:
    """How far a level moved, the same up and down: times multiply."""
    if change.old > 0 and change.new > 0:
        return abs(math.log(change.new / change.old))
    return math.inf
