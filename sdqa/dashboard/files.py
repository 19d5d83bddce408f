"""Files beside the page: one JSON value each, handed over by a script; a run's figures, the audit log's pictures."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from sdqa.dashboard import database
from sdqa.dashboard.goldens import GoldenChange, timeline
from sdqa.history import FigureColumns, RecordedRun
from sdqa.history.making import machine_digest
from sdqa.history.places import HistoryPlace
from sdqa.store import write_atomically

STATUSES = ("pass", "suspicious", "fail", "not measured", "not judged")
CODES = {**{status: str(code) for code, status in enumerate(STATUSES)}, "": "5"}
"""A status as one digit."""
LOOKED_AT = frozenset({"fail", "suspicious", "not measured"})
"""Of cases: those that a run's file names."""


def give(output: Path, name: str, content: object) -> None:
    """Write a data file, unless the same lies there; nothing in it can end a script or begin a tag."""
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    data = f"sdqaGive({json.dumps(name)},{escape_script(text)});\n".encode()
    path = output / "data" / f"{name}.js"
    if not path.exists() or path.stat().st_size != len(data) or path.read_bytes() != data:
        write_atomically(path, data)


def escape_script(text: str) -> str:
    """JSON that may stand inside a script element."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def short(value: float | None) -> float | None:
    """A figure as the page needs it: six digits; None where it is not finite."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def write_runs(place: HistoryPlace, names: Sequence[str], output: Path) -> None:
    """One file a run, of those that are not there yet: what is in them never changes."""
    from sdqa.history.reading import Unread, read_records

    missing = [name for name in names if not (output / "data" / "run" / f"{key_of(name)}.js").exists()]
    for start in range(0, len(missing), database.BATCH):
        for name, found in read_records(place, missing[start : start + database.BATCH]):
            if not isinstance(found, Unread):
                give(output, f"run/{key_of(name)}", figures_data(found))


def key_of(name: str) -> str:
    """A run's key, from its file's name in the history."""
    return name.rsplit("/", 1)[-1].removesuffix(".json.gz")


def figures_data(record: RecordedRun) -> dict[str, object]:
    """A run's lanes: every figure over cases, and the cases that did not pass."""

    def rows(table: FigureColumns) -> Iterator[list[object]]:
        both = enumerate(zip(table.case, table.status, strict=True))
        for place in [place for place, (case, status) in both if not case or status in LOOKED_AT]:
            metric, component, difference = table.metric[place], table.component[place], table.difference[place]
            value = table.value[place]
            judged = value if difference is None else difference
            figures = (short(value), short(judged), short(table.limit[place]), CODES[table.status[place]])
            label = f"{metric} · {component}" if component else metric
            yield [label, table.case[place], *figures, table.unit[place], table.better[place]]

    return {
        lane.id: {
            "bytes": lane.bytes,
            "fingerprint": machine_digest(lane),
            "packages": {package.component: package.digest[:12] for package in lane.packages},
            "goldens": hashlib.sha256(json.dumps(sorted(lane.goldens.items())).encode()).hexdigest()[:10],
            "rows": list(rows(lane.figures)),
        }
        for lane in record.lanes
    }


def write_goldens(goldens: Path | None, output: Path) -> list[str]:
    """The audit log as a timeline, with its pictures; what of it could not be read."""
    found, problems = timeline(goldens) if goldens else ([], [])

    def picture(data: bytes) -> str:
        if not data:
            return ""
        name = f"pictures/{hashlib.sha256(data).hexdigest()[:20]}.webp"
        if not (output / name).exists():
            write_atomically(output / name, data)
        return name

    def entry(one: GoldenChange) -> dict[str, object]:
        return {
            "model": one.model, "date": one.date, "who": one.who, "subject": one.subject, "before": one.before[:10],
            "after": one.after[:10], "reason": one.reason, "diagnosis": one.diagnosis, "worse": one.worse,
            "first": one.first, "pictures": [picture(one.picture_before), picture(one.picture_after)],
        }  # fmt: skip

    give(output, "goldens", {"entries": [entry(one) for one in found], "problems": problems})
    return problems
