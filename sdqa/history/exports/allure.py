"""Allure results: one `*-result.json` a check of the newest run, with the history of each check beside it.

Allure keeps its history by `historyId`; what it shows as a trend comes from `history/history.json` and
`history/history-trend.json`, which are written from the earlier runs.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from pathlib import Path

from sdqa.history.exports.document import write_json
from sdqa.history.records import Figure, RecordedLane, RecordedRun, utc

STATUS = {"pass": "passed", "suspicious": "passed", "fail": "failed", "not measured": "broken", "not judged": "skipped"}
KEPT = 20
"""Runs of a check that Allure's own history keeps."""


def write(records: Iterator[RecordedRun], output: Path) -> str:
    """Write the folder that `allure generate` reads."""
    items: dict[str, list[dict[str, object]]] = {}
    trend: list[dict[str, object]] = []
    last: RecordedRun | None = None
    for last in records:
        moment = int(utc(last.created).timestamp() * 1000)
        counts = dict.fromkeys(("failed", "broken", "skipped", "passed", "unknown"), 0)
        for lane, figure in _checks(last):
            status = STATUS[figure.status]
            counts[status] += 1
            times = {"start": moment, "stop": moment, "duration": 0}
            uid = _id(last.created, _name(lane, figure))
            item: dict[str, object] = {"uid": uid, "status": status, "time": times}
            items.setdefault(_id(_name(lane, figure)), []).insert(0, item)
        trend.insert(0, {"buildOrder": len(trend) + 1, "reportName": last.created, "data": counts})
    assert last is not None
    checks = 0
    for lane, figure in _checks(last):
        checks += 1
        moment, name = int(utc(last.created).timestamp() * 1000), _name(lane, figure)
        names = {"suite": lane.id, "subSuite": figure.case or figure.component or "all", "framework": "sdqa"}
        write_json(
            output / f"{_id(last.created, name)}-result.json",
            {
                "uuid": _id(last.created, name),
                "historyId": _id(name),
                "fullName": name,
                "name": f"{figure.case or figure.component or 'all'}/{figure.metric}",
                "status": STATUS[figure.status],
                "statusDetails": {"message": _words(figure), "flaky": False},
                "stage": "finished",
                "start": moment,
                "stop": moment,
                "labels": [{"name": label, "value": value} for label, value in names.items()],
            },
        )
    history = {
        key: {"statistic": _statistic(found), "items": found[1 : KEPT + 1]} for key, found in sorted(items.items())
    }
    write_json(output / "history" / "history.json", history)
    write_json(output / "history" / "history-trend.json", trend[1:])
    return f"{output}: {checks} results, and {max(0, len(trend) - 1)} earlier runs"


def _checks(record: RecordedRun) -> Iterator[tuple[RecordedLane, Figure]]:
    return ((lane, figure) for lane in record.lanes for figure in lane.figures.rows() if figure.status)


def _name(lane: RecordedLane, figure: Figure) -> str:
    return f"{lane.id}/{figure.case or figure.component or 'all'}/{figure.metric}"


def _words(figure: Figure) -> str:
    limit = "" if figure.limit is None else f", limit {figure.limit:.6g}"
    return f"{figure.status}: {'no value' if figure.value is None else f'{figure.value:.6g}'} {figure.unit}{limit}"


def _id(*parts: str) -> str:
    return str(uuid.UUID(hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]))


def _statistic(found: list[dict[str, object]]) -> dict[str, int]:
    statuses = [one["status"] for one in found]
    return {name: statuses.count(name) for name in ("failed", "broken", "skipped", "passed")} | {"total": len(found)}
