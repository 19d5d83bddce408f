"""The site: one page, and small files beside it that are fetched when somebody looks at them.

    index.html         the page: verdict, alerts, every series' last figure, changes; 200 KB at most
    data/SERIES.js     one series over all runs, with its cases, limits and marks
    data/runs.js       all runs
    data/run/KEY.js    one run's figures, to compare any two
    data/goldens.js    the audit log; pictures/ has what it shows
    changes.atom       the changes as a feed

Data files are scripts that hand over one JSON value, because a page that lies on a disk may not fetch anything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sdqa.dashboard import database
from sdqa.dashboard.changes import Change, changes_of, events_of
from sdqa.dashboard.clocks import follows_from, project_changes, usual
from sdqa.dashboard.feed import commit_range, event_words, feed
from sdqa.dashboard.files import CODES, figures_data, give, key_of, short, write_goldens, write_runs
from sdqa.dashboard.flaky import Flaky, flaky_of
from sdqa.dashboard.overview import Row, alerts, row_of, settled_since
from sdqa.dashboard.page import MAX_INDEX_BYTES, render_index
from sdqa.dashboard.series import (
    CaseSeries,
    DatedRun,
    FigureSeries,
    Mark,
    all_series,
    dated_runs,
    lane_marks,
    lane_runs,
    limit_marks,
)
from sdqa.dashboard.variants import best, budgets, choices
from sdqa.errors import UsageError
from sdqa.history.places import HistoryPlace
from sdqa.store import write_atomically

MAX_FLAKY = 200


@dataclass(frozen=True)
class BuiltSite:
    """What was built."""

    runs: int
    new: int
    unread: int
    series: int
    changes: int
    index_bytes: int
    problems: tuple[str, ...] = ()


def build(
    place: HistoryPlace, output: Path, *, index: Path, goldens: Path | None = None, address: str = ""
) -> BuiltSite:
    """Build the site of a history.

    Args:
        index: the database, a cache: what it knows already is not read again.
        goldens: folder of a project's goldens, for their timeline.
        address: where the site will be published, for the feed.

    Raises:
        HistoryError: the place cannot be read at all.
        UsageError: it holds no run.
        ExtraMissing: ruptures is not installed.
    """
    with database.opened(index) as connection:
        new = database.refresh(
            connection, place, lambda name, record: give(output, f"run/{key_of(name)}", figures_data(record))
        )
        runs = dated_runs(connection)
        if not runs:
            hint = "each `sdqa qa` adds one; sdqa history merge brings those of other machines"
            raise UsageError("there is no run to show", where=place.where, hint=hint)
        (unread,) = connection.execute("SELECT count(*) FROM unread").fetchone()
        lanes = lane_runs(connection, runs)
        follows = {lane: follows_from(runs, of_runs) for lane, of_runs in lanes.items()}
        marks = {lane: lane_marks(runs, of_runs) for lane, of_runs in lanes.items()}
        write_runs(place, record_names(runs), output)
        rows: list[Row] = []
        changes: list[Change] = []
        flaky: list[Flaky] = []
        for series in all_series(connection, runs):
            of_runs = lanes.get(series.lane, {})
            fingerprints = {index: lane.fingerprint for index, lane in of_runs.items()}
            same = follows.get(series.lane, {})
            found, machine = project_changes(series, changes_of(series, fingerprints), same)
            rows.append(row_of(series, found, settled_since(runs, of_runs), usual(series, same)))
            changes += found
            flaky += flaky_of(series, of_runs)
            both = sorted([*marks[series.lane], *limit_marks(series)], key=lambda mark: mark.run)
            give(output, series.id, _series_data(series, both, found, machine, fingerprints))
    packages = {lane: {run: one.packages for run, one in of_runs.items()} for lane, of_runs in lanes.items()}
    events = events_of(changes, marks, packages)
    names = {lane: _name_of(lane) for lane in lanes}
    chosen = choices(runs, lanes, rows, names)
    rows.sort(key=lambda row: row.severity)
    problems = write_goldens(goldens, output)
    told = list(alerts(rows, events, runs, unread))
    give(output, "runs", [_run_data(run) for run in runs])
    write_atomically(output / "changes.atom", feed(runs[-1].header.suite, runs, events, address))
    front = best(chosen)
    content: dict[str, object] = {
        "suite": runs[-1].header.suite,
        "runs": len(runs),
        "main": sum(run.on_main_line for run in runs),
        "first": runs[0].header.created,
        "last": _run_data(_latest(runs)),
        "unread": unread,
        "lanes": sorted({row.lane for row in rows}),
        "alerts": [[one.kind, one.words, one.series] for one in told],
        "rows": [_row_data(row) for row in rows],
        "events": [
            {
                "run": event.run,
                "key": runs[event.run].key,
                "when": runs[event.run].header.created,
                "range": commit_range(event, runs),
                "lane": event.lane,
                "size": short(event.size),
                "times": event.of_times_alone,
                "same": event.same_packages,
                "series": event.changes[0].series,
                "words": event_words(event, runs),
                "marks": [[mark.kind, mark.words] for mark in event.marks],
                "changes": [
                    [one.series, one.label, short(one.old), short(one.new), one.unit, short(one.size), one.of_limit,
                     *one.cases]
                    for one in event.changes[:12]
                ],
                "more": max(0, len(event.changes) - 12),
            }
            for event in events[:100]
        ],
        "flaky": [
            [one.series, one.lane, one.label, one.case, one.statuses, one.runs[-20:], len(one.runs), one.values]
            for one in sorted(flaky, key=lambda one: -len(one.runs))[:MAX_FLAKY]
        ],
        "variants": [
            {
                "lane": one.lane, "variant": one.variant, "device": one.device, "bytes": one.bytes,
                "latency": short(one.latency), "latencyName": one.latency_name, "latencyUnit": one.latency_unit,
                "quality": short(one.quality), "qualityName": one.quality_name, "status": one.status,
                "best": one.lane in front, "key": runs[one.run].key,
            }
            for one in chosen
        ],
        "budgets": {name: short(value) for name, value in budgets(rows).items()},
        "feed": bool(address),
        "goldens": goldens is not None,
    }  # fmt: skip
    page = render_index(content, rows, told, _latest(runs), unread, len(runs))
    write_atomically(output / "index.html", page)
    assert len(page) <= MAX_INDEX_BYTES
    return BuiltSite(len(runs), new, unread, len(rows), len(events), len(page), tuple(problems))


def record_names(runs: Sequence[DatedRun]) -> list[str]:
    """Names of the runs' records in their place."""
    return [f"runs/{run.key[:4]}/{run.key[4:6]}/{run.key}.json.gz" for run in runs]


def _series_data(
    series: FigureSeries,
    marks: Sequence[Mark],
    changes: Sequence[Change],
    machine: Sequence[Change],
    fingerprints: Mapping[int, str],
) -> dict[str, object]:
    places = {point.run: place for place, point in enumerate(series.points)}
    kinds = list(dict.fromkeys(fingerprints.get(point.run, "") for point in series.points))
    return {
        "lane": series.lane,
        "metric": series.label,
        "unit": series.unit,
        "better": series.better,
        "difference": any(p.golden is not None and p.judged != p.value for p in series.points),
        "run": [point.run for point in series.points],
        "value": [short(point.value) for point in series.points],
        "judged": [short(point.judged) for point in series.points],
        "low": _sparse([point.low for point in series.points]),
        "high": _sparse([point.high for point in series.points]),
        "bound": _sparse([point.bound for point in series.points]),
        "status": "".join(CODES[point.status] for point in series.points),
        "machines": kinds,
        "machine": [kinds.index(fingerprints.get(point.run, "")) for point in series.points],
        "cases": {case: _aligned(points, places) for case, points in series.cases.items()},
        "marks": [[mark.run, mark.kind, mark.words] for mark in marks],
        "changes": [[one.run, short(one.old), short(one.new), short(one.size)] for one in changes],
        "loads": [one.run for one in machine],
    }


def _sparse(values: Sequence[float | None]) -> list[float | None]:
    """Nothing where there is nothing."""
    found = [short(value) for value in values]
    return found if any(value is not None for value in found) else []


def _aligned(case: CaseSeries, places: Mapping[int, int]) -> str:
    """A case's figures beside the lane's, five digits each, commas between; nothing where there is none."""
    found = [""] * len(places)
    for run, judged in zip(case.run, case.judged, strict=True):
        place = places.get(run)
        if place is not None and judged is not None and judged - judged == 0:
            found[place] = f"{judged:.5g}"
    return ",".join(found)


def _row_data(row: Row) -> list[object]:
    marks = "".join("." if one is None else chr(48 + round(one * 40)) for one in row.spark)
    return [
        row.id, row.lane, row.label, row.unit, row.better, short(row.last.value), short(row.last.judged),
        short(row.last.bound), CODES[row.last.status], short(row.room), short(row.since), marks, row.runs, row.changed,
    ]  # fmt: skip


def _run_data(run: DatedRun) -> dict[str, object]:
    head = run.header
    said: dict[str, object] = {
        "key": run.key, "created": head.created, "commit": head.commit, "parent": head.parent, "ref": head.ref,
        "pr": head.pull_request, "ci": head.ci, "report": head.report, "exit": head.exit_code, "counts": run.counts,
        "version": head.sdqa_version, "judge": head.judge[:10], "fault": head.fault, "partial": head.partial,
        "modified": head.modified, "machine": ", ".join(head.machines)[:120], "suite": head.suite_digest[:10],
    }  # fmt: skip
    return {name: value for name, value in said.items() if value}


def _name_of(lane: str) -> tuple[str, str]:
    """A lane's variant and device, from its id `MODEL/VARIANT[@RUNTIME[-UNIT]]`."""
    place, _, device = lane.partition("@")
    return place.rpartition("/")[2], device or "reference"


def _latest(runs: Sequence[DatedRun]) -> DatedRun:
    """The last run of the main line, or the last of all where there is none."""
    return next((run for run in reversed(runs) if run.on_main_line), runs[-1])
