"""Where a series changed its level: kernel change-point detection, confirmed on the paired cases.

A series is divided by its limit, so that 1 means as much as may be, whatever the unit. ruptures' `KernelCPD` (Celisse,
Marot, Pierre-Jean and Rigaill 2018; Arlot, Celisse and Harchaoui 2019) cuts it into levels of three runs at least; its
penalty follows from the noise that the series itself shows from run to run, and never from less than a figure's own
spread. A cut counts where the level moved by more than noise explains and more than anybody would mind, and where at
least one case that is the same on both sides moved with it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from sdqa.dashboard.series import CaseSeries, FigureSeries, Mark, Point
from sdqa.errors import ExtraMissing

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

SIDE = 3
"""Runs a level has at least."""
WINDOW = 20
"""Runs of a side that its level is measured on."""
PENALTY = 6.0
"""Times noise² · log(runs): BIC's 2 for a mean, three times as careful."""
SIGMAS = 4.0
"""Standard errors that a level has to move by."""
SMALLEST = {"limit": 0.02, "none": 0.01, "time": 0.08}
"""Shares of the limit, or of the level itself, below which nobody minds; clocks vary."""
NOISE = 0.25
"""Of the smallest: what a series is taken to vary by, however still it stands."""
TIMES = ("_s", "_ms", "_seconds", "peak_memory_bytes")
"""How names of figures end that the machine's load decides too."""


@dataclass(frozen=True)
class Change:
    """One series changed its level with a run."""

    series: str
    lane: str
    label: str
    unit: str
    run: int  # index of the first run of the new level
    before: int  # index of the last run of the old one
    old: float  # level, in the figure's unit
    new: float
    size: float  # of the limit, or of the level where there is none; positive is worse
    of_limit: bool
    cases: tuple[int, int]  # that moved with it, of those measured on both sides

    @property
    def of_time(self) -> bool:
        """Whether it is of a time or of memory, which the machine's load decides too."""
        return self.label.partition(" · ")[0].endswith(TIMES)


@dataclass(frozen=True)
class Event:
    """What changed with one run of one lane: several series as a rule, the largest first, times and memory last."""

    run: int
    before: int
    lane: str
    changes: tuple[Change, ...]
    marks: tuple[Mark, ...]  # what else changed with that run
    same_packages: bool = False  # the candidate is what it was

    @property
    def of_times_alone(self) -> bool:
        """Whether only times and memory changed, which the machine's load decides too."""
        return all(change.of_time for change in self.changes)

    @property
    def size(self) -> float:
        """Of the first change."""
        return self.changes[0].size


def changes_of(series: FigureSeries, fingerprints: Mapping[int, str]) -> list[Change]:
    """The changes of one series, oldest first.

    Args:
        fingerprints: of the lane, by the index of the run. Where they take turns, each is a series of its own.

    Raises:
        ExtraMissing: ruptures is not installed.
    """
    points = [point for point in series.points if point.judged is not None and math.isfinite(point.judged)]
    machines = [fingerprints.get(point.run) for point in points]
    turns = sum(one != other for one, other in pairwise(machines))
    lines: list[list[Point]] = [points]
    if turns > len(set(machines)) - 1:
        by: dict[str | None, list[Point]] = {}
        for point in points:
            by.setdefault(fingerprints.get(point.run), []).append(point)
        lines = list(by.values())
    return sorted((one for line in lines for one in _changes(series, line)), key=lambda one: one.run)


def _changes(series: FigureSeries, points: Sequence[Point]) -> list[Change]:
    if len(points) < 2 * SIDE:
        return []
    import numpy as np

    figures = np.array([point.judged for point in points], dtype=np.float64)
    scale, kind = _scale(series, points, figures)
    smallest = SMALLEST[kind]
    relative = figures / scale
    sigma = max(_noise(relative), _measured(points, scale), NOISE * smallest)
    found, start = [], 0
    cuts = _cuts(relative, PENALTY * sigma**2 * math.log(len(points)))
    for cut, end in zip(cuts, [*cuts, len(points)][1:], strict=True):
        left, right = relative[max(start, cut - WINDOW) : cut], relative[cut : min(end, cut + WINDOW)]
        shift = float(np.median(right) - np.median(left))
        error = sigma * math.sqrt(1 / len(left) + 1 / len(right))
        if abs(shift) < max(smallest, SIGMAS * error):
            continue
        cases = _moved(series, points, cut, shift * scale, smallest * scale)
        start = cut
        if cases[1] and not cases[0]:
            continue
        worse = shift if series.better != "higher" else -shift
        found.append(
            Change(
                series=series.id,
                lane=series.lane,
                label=series.label,
                unit=series.unit,
                run=points[cut].run,
                before=points[cut - 1].run,
                old=float(np.median(left)) * scale,
                new=float(np.median(right)) * scale,
                size=worse,
                of_limit=any(point.bound for point in points),
                cases=cases,
            )
        )
    return found


def _scale(series: FigureSeries, points: Sequence[Point], figures: Floats) -> tuple[float, str]:
    """What a series is divided by, and what kind of figure it is."""
    import numpy as np

    time = series.metric.endswith(TIMES)
    bound = next((abs(point.bound) for point in reversed(points) if point.bound and math.isfinite(point.bound)), None)
    level = float(np.median(np.abs(figures))) or 1.0
    if time:
        return level, "time"
    return (bound, "limit") if bound else (level, "none")


def _noise(relative: Floats) -> float:
    """From run to run, whatever the levels are: the median of steps, as a standard deviation."""
    import numpy as np

    return float(1.4826 * np.median(np.abs(np.diff(relative))) / math.sqrt(2))


def _measured(points: Sequence[Point], scale: float) -> float:
    """The standard error that repeated readings of one run show, as a rule."""
    import numpy as np

    known = [p.spread / math.sqrt(max(p.n, 1)) for p in points if p.spread is not None and math.isfinite(p.spread)]
    return float(np.median(known)) / scale if known else 0.0


def _cuts(relative: Floats, penalty: float) -> list[int]:
    """Indices at which a new level begins."""
    import numpy as np

    try:
        import ruptures
    except ImportError as error:
        raise ExtraMissing("finding changes needs ruptures", hint="pip install 'sdqa[dashboard]'") from error
    padded = np.pad(relative, 1, mode="edge")
    calm = np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)  # one bad run is no change of level
    middle, reach = np.median(calm), 10.0
    calm = np.clip(calm, middle - reach, middle + reach)
    found = ruptures.KernelCPD(kernel="linear", min_size=SIDE).fit(calm.reshape(-1, 1)).predict(pen=penalty)
    return [int(cut) for cut in found[:-1]]


def _moved(series: FigureSeries, points: Sequence[Point], cut: int, shift: float, smallest: float) -> tuple[int, int]:
    """How many cases moved the same way by as much as counts, of those with a figure in three runs on both sides."""
    import numpy as np

    before = {point.run for point in points[max(0, cut - SIDE) : cut]}
    after = {point.run for point in points[cut : cut + SIDE]}
    moved = of = 0
    for of_case in series.cases.values():
        old = _finite(of_case, before)
        new = _finite(of_case, after)
        if len(old) < SIDE or len(new) < SIDE:
            continue
        of += 1
        step = float(np.median(new) - np.median(old))
        noise = max(max(old) - min(old), max(new) - min(new))
        moved += step * shift > 0 and abs(step) > max(noise, min(smallest, abs(shift) / 2))
    return moved, of


def _finite(case: CaseSeries, runs: set[int]) -> list[float]:
    """A case's figures in some runs."""
    pairs = zip(case.run, case.judged, strict=True)
    return [judged for run, judged in pairs if run in runs and judged is not None and math.isfinite(judged)]


def events_of(
    changes: Sequence[Change],
    marks: Mapping[str, Sequence[Mark]],
    packages: Mapping[str, Mapping[int, str]] | None = None,
) -> list[Event]:
    """Changes of a lane within one run of each other as one event, the newest first.

    Args:
        marks: of each lane.
        packages: digest of each lane's packages, by the index of the run.
    """
    groups: list[list[Change]] = []
    for change in sorted(changes, key=lambda one: (one.lane, one.run)):
        last = groups[-1] if groups else None
        if last and last[0].lane == change.lane and change.run - last[0].run <= 1:
            last.append(change)
        else:
            groups.append([change])
    found = []
    for group in groups:
        runs = [one.run for one in group]
        run = max(set(runs), key=lambda one: (runs.count(one), -one))  # where most of them say that it was
        before, lane = next(one.before for one in group if one.run == run), group[0].lane
        known = (packages or {}).get(lane, {})
        found.append(
            Event(
                run=run,
                before=before,
                lane=lane,
                changes=tuple(sorted(group, key=lambda one: (one.of_time, -abs(one.size)))),
                marks=tuple(mark for mark in marks.get(lane, ()) if mark.run in runs),
                same_packages=before in known and known[before] == known.get(run),
            )
        )
    return sorted(found, key=lambda one: (-one.run, one.lane))
