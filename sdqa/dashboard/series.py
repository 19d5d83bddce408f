"""Rows as series: of a lane's figure over the runs of the main line, with its cases, its limit and its marks."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sdqa.bundle import Fingerprint
from sdqa.bundle.fingerprint import differences
from sdqa.dashboard.columns import PLACE, Floats, plain, statuses, together
from sdqa.history import RecordedRun
from sdqa.report.format import show_figure
from sdqa.store import digest_of

SHORT = 10
"""Digits of a commit that are shown."""
CELLS = 2_000_000
"""Figures that are in memory at once: 144 MB."""


@dataclass(frozen=True)
class DatedRun:
    """A run's place among all of them, the oldest first."""

    row: int  # in the database
    key: str  # of its record, the name of its file on the site
    header: RecordedRun  # without lanes
    counts: tuple[int, ...] = ()  # of pass, suspicious, fail, not measured, not judged

    @property
    def on_main_line(self) -> bool:
        """Whether it says something of the project's state: no planted fault, no pull request, nothing left out."""
        return not (self.header.fault or self.header.pull_request or self.header.partial)


@dataclass(frozen=True)
class LaneRun:
    """A lane in one run."""

    status: str
    fingerprint: str
    facts: str  # JSON of the fingerprint
    bytes: int
    inputs: str  # digest of all that its verdicts follow from
    goldens: str  # JSON: case → digest
    packages: str  # digest of all


@dataclass(frozen=True)
class Mark:
    """Something other than the candidate that changed with a run."""

    run: int  # index of the run
    kind: str  # golden, judge, limit, version, machine
    words: str


@dataclass(frozen=True)
class Point:
    """A figure in one run."""

    run: int  # index of the run
    value: float | None
    golden: float | None
    judged: float | None  # what the limit holds: the value, or its difference from the golden's
    low: float | None
    high: float | None
    bound: float | None
    spread: float | None
    n: int
    status: str


class CasePoint(NamedTuple):
    """A case's figure in one run."""

    run: int  # index of the run
    judged: float | None
    status: str


@dataclass(frozen=True)
class CaseSeries:
    """A case's figures over the runs, as columns: there are many, and most are only drawn."""

    run: tuple[int, ...] = ()
    judged: tuple[float | None, ...] = ()
    status: tuple[str, ...] = ()

    def points(self) -> list[CasePoint]:
        """One by one."""
        return list(map(CasePoint, self.run, self.judged, self.status))


@dataclass(frozen=True)
class FigureSeries:
    """One figure of one lane over the runs, and its cases."""

    id: str  # the same tomorrow: digest of what it is of
    lane: str
    metric: str
    component: str
    unit: str
    better: str
    points: tuple[Point, ...]  # oldest first
    cases: Mapping[str, CaseSeries] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The metric, with its component where there is one."""
        return f"{self.metric} · {self.component}" if self.component else self.metric


def position(point: Point, better: str) -> float | None:
    """How much of the way to its limit a figure uses: 1 at the limit, above 1 beyond it; None without a limit."""
    judged, bound = point.judged, point.bound
    if judged is None or bound is None or not (math.isfinite(judged) and math.isfinite(bound)):
        return None
    if better == "higher" and 0 < bound < 1 and judged <= 1:  # a share: 1 is as good as can be
        return (1 - judged) / (1 - bound)
    if better == "higher" and bound > 0:
        return bound / judged if judged > 0 else None
    if better in ("higher", "lower") and bound != 0:
        return max(0.0, judged / bound)
    return None


def dated_runs(connection: sqlite3.Connection) -> list[DatedRun]:
    """Every run once, the oldest first; of two records of one run the one that says more of where it comes from."""
    best: dict[tuple[str, str], DatedRun] = {}
    rows = connection.execute(
        "SELECT id, name, created, identity, header, counts FROM runs ORDER BY moment, identity, name"
    )
    for row, name, created, identity, header, counts in rows:
        key = name.rsplit("/", 1)[-1].removesuffix(".json.gz")
        found = DatedRun(row, key, RecordedRun.model_validate_json(header), tuple(json.loads(counts)))
        known = best.get((created, identity))
        if known is None or _says(found.header) > _says(known.header):
            best[created, identity] = found
    return list(best.values())


def _says(header: RecordedRun) -> int:
    said = (header.commit, header.parent, header.ref, header.pull_request, header.ci, header.report)
    return sum(map(bool, said))


def lane_runs(connection: sqlite3.Connection, runs: Sequence[DatedRun]) -> dict[str, dict[int, LaneRun]]:
    """Lane → index of the run → the lane in it."""
    indices = {run.row: index for index, run in enumerate(runs)}
    found: dict[str, dict[int, LaneRun]] = {}
    query = "SELECT run, lane, status, fingerprint, facts, bytes, inputs, goldens, packages FROM lanes ORDER BY lane"
    for row, lane, *rest in connection.execute(query):
        if row in indices:
            found.setdefault(lane, {})[indices[row]] = LaneRun(*rest)
    return {lane: dict(sorted(of_runs.items())) for lane, of_runs in found.items()}


def all_series(connection: sqlite3.Connection, runs: Sequence[DatedRun]) -> Iterator[FigureSeries]:
    """The series of all lanes over the main line, one by one; memory holds as many as fit into `CELLS`."""
    lanes: dict[str, dict[tuple[str, str, str], dict[str, int]]] = {}
    better: dict[int, str] = {}
    query = (
        "SELECT id, lane, metric, component, case_name, unit, better FROM series ORDER BY lane, metric, component, unit"
    )
    for key, lane, metric, component, case, unit, direction in connection.execute(query):
        lanes.setdefault(lane, {}).setdefault((metric, component, unit), {})[case] = key
        better[key] = direction
    main = [index for index, run in enumerate(runs) if run.on_main_line]
    indices = {runs[index].row: place for place, index in enumerate(main)}
    for lane, groups in lanes.items():
        whole = {name: cases for name, cases in groups.items() if "" in cases}
        for part in _parts(whole, max(1, CELLS // max(1, len(main)))):
            numbers = _numbers(connection, lane, [key for cases in part.values() for key in cases.values()], indices)
            for (metric, component, unit), cases in part.items():
                points = _points(numbers[cases[""]], main)
                if points:
                    yield FigureSeries(
                        digest_of([lane, metric, component, unit])[:12],
                        lane,
                        metric,
                        component,
                        unit,
                        better[cases[""]],
                        points,
                        {case: _case_series(numbers[key], main) for case, key in sorted(cases.items()) if case},
                    )


Group = tuple[str, str, str]  # metric, component, unit


def _parts(groups: Mapping[Group, dict[str, int]], most: int) -> Iterator[dict[Group, dict[str, int]]]:
    """Groups of series, in parts of so many series or of one group."""
    part: dict[Group, dict[str, int]] = {}
    size = 0
    for name, cases in groups.items():
        if part and size + len(cases) > most:
            yield part
            part, size = {}, 0
        part[name] = cases
        size += len(cases)
    if part:
        yield part


def _numbers(
    connection: sqlite3.Connection, lane: str, series: Sequence[int], indices: Mapping[int, int]
) -> dict[int, Floats]:
    """Series → what is kept of it × runs."""
    layouts: dict[int, list[int]] = {}

    def rows() -> Iterator[tuple[int, bytes, list[int]]]:
        query = "SELECT run, layout, numbers FROM figures WHERE lane = ?"
        for run, layout, data in connection.execute(query, (lane,)):
            if run in indices:
                if layout not in layouts:
                    (text,) = connection.execute("SELECT series FROM layouts WHERE id = ?", (layout,)).fetchone()
                    layouts[layout] = [int(one) for one in text.split(",") if one]
                yield indices[run], data, layouts[layout]

    ordered = sorted(series)
    return dict(zip(ordered, together(ordered, rows(), len(indices)), strict=True))


def _points(numbers: Floats, runs: Sequence[int]) -> tuple[Point, ...]:
    """A series' figures in the runs that have one."""
    places = _known(numbers)
    columns = [plain(row[places]) for row in numbers]
    counts = [int(one or 0) for one in columns[PLACE["n"]]]
    own = zip(*columns[: PLACE["n"]], counts, statuses(numbers[PLACE["status"], places]), strict=True)
    return tuple(Point(runs[place], *row) for place, row in zip(places, own, strict=True))


def _case_series(numbers: Floats, runs: Sequence[int]) -> CaseSeries:
    places = _known(numbers)
    said = statuses(numbers[PLACE["status"], places])
    return CaseSeries(tuple(runs[place] for place in places), tuple(plain(numbers[PLACE["judged"], places])), said)


def _known(numbers: Floats) -> list[int]:
    """Places at which a series has a figure."""
    return [int(place) for place in np.flatnonzero(~np.isnan(numbers[PLACE["status"]]))]


def lane_marks(runs: Sequence[DatedRun], of_runs: Mapping[int, LaneRun]) -> list[Mark]:
    """What changed for a lane besides the candidate, from one run of the main line to the next."""
    found: list[Mark] = []
    before: int | None = None
    for index, lane in of_runs.items():
        if not runs[index].on_main_line:
            continue
        if before is not None:
            found += [Mark(index, *one) for one in _changed(runs, before, index, of_runs[before], lane)]
        before = index
    return found


def _changed(
    runs: Sequence[DatedRun], before: int, after: int, old: LaneRun, new: LaneRun
) -> Iterator[tuple[str, str]]:
    one, other = runs[before].header, runs[after].header
    goldens = _changed_goldens(old.goldens, new.goldens)
    if goldens:
        more = f" and {len(goldens) - 3} more" if len(goldens) > 3 else ""
        yield "golden", f"golden of {', '.join(goldens[:3])}{more}"
    elif one.judge != other.judge and one.judge and other.judge:
        yield "judge", f"the judge: {one.judge[:8]} → {other.judge[:8]} (limits, budgets or baselines)"
    if one.sdqa_version != other.sdqa_version:
        yield "version", f"sdqa {one.sdqa_version} → {other.sdqa_version}"
    if old.fingerprint != new.fingerprint:
        lines = differences(_fingerprint(old.facts), _fingerprint(new.facts))
        yield "machine", f"another fingerprint: {'; '.join(lines[:3])}{' …' if len(lines) > 3 else ''}"


def _changed_goldens(old: str, new: str) -> list[str]:
    """Cases that are in both and have another golden."""
    one, other = json.loads(old), json.loads(new)
    return [case for case, digest in other.items() if one.get(case, digest) != digest]


def _fingerprint(facts: str) -> Fingerprint:
    return Fingerprint.model_validate_json(facts)


def limit_marks(series: FigureSeries) -> list[Mark]:
    """Where a series' limit moved."""
    found = []
    for before, after in pairwise(series.points):
        if before.bound is not None and after.bound is not None and before.bound != after.bound:
            old, new = (show_figure(bound, series.unit) for bound in (before.bound, after.bound))
            found.append(Mark(after.run, "limit", f"limit {old} → {new}"))
    return found
