"""A history of runs as JSON lines, one a run, only ever appended to; and its trends for the page.

{"schema_version": 1, "created": …, "commit": …, "ref": …, "suite_digest": …, "identity": …, "exit_code": …,
 "fault": …, "lanes": {"<lane>": {"status": …, "metrics": {"<metric>": {"median": …, "unit": …, "n": …}}}}}
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sdqa.bundle import Run
from sdqa.errors import BundleError
from sdqa.report.overview import measured_lanes, overview_of

MAX_HISTORY_BYTES = 64 * 2**20
# In this order: what GitHub, GitLab, Buildkite, CircleCI and Jenkins call the commit and the branch.
COMMIT_VARIABLES = ("GITHUB_SHA", "CI_COMMIT_SHA", "BUILDKITE_COMMIT", "CIRCLE_SHA1", "GIT_COMMIT")
REF_VARIABLES = ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "BUILDKITE_BRANCH", "GIT_BRANCH")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class MetricEntry(_Entry):
    """A metric of a lane, over its cases."""

    median: float
    unit: str = ""
    n: int = 1


class LaneEntry(_Entry):
    """A lane of a run."""

    status: str
    metrics: dict[str, MetricEntry] = Field(default_factory=dict)


class HistoryEntry(_Entry):
    """One line of the history: one run."""

    schema_version: Literal[1] = 1
    created: str
    commit: str = ""
    ref: str = ""
    suite_digest: str = ""
    identity: str = ""
    exit_code: int = 0
    fault: str | None = None
    lanes: dict[str, LaneEntry] = Field(default_factory=dict)


def entry_of(run: Run, environment: Mapping[str, str] | None = None) -> HistoryEntry:
    """A run as a line of the history; the commit comes from the CI service's environment, if there is one."""
    environment = os.environ if environment is None else environment
    commit = next((environment[name] for name in COMMIT_VARIABLES if environment.get(name)), "").lower()
    ref = next((environment[name] for name in REF_VARIABLES if environment.get(name)), "")
    rows = overview_of(run)
    lanes: dict[str, LaneEntry] = {}
    columns = {lane.id: i for i, lane in enumerate(measured_lanes(run))}
    for lane in run.lanes:
        cells = ((row.label, row.cells[columns[lane.id]]) for row in rows if lane.id in columns)
        metrics = {
            metric: MetricEntry(median=cell.median, unit=cell.unit, n=len(cell.values) or len(cell.verdicts))
            for metric, cell in cells
            if cell and cell.median is not None
        }
        lanes[lane.id] = LaneEntry(status=lane.status, metrics=metrics)
    return HistoryEntry(
        created=run.created,
        commit=commit if _COMMIT.fullmatch(commit) else "",
        ref=ref,
        suite_digest=run.suite_digest,
        identity=run.identity(),
        exit_code=run.exit_code,
        fault=run.fault,
        lanes=lanes,
    )


@dataclass(frozen=True)
class History:
    """What could be read of a history."""

    entries: tuple[HistoryEntry, ...]  # oldest first
    unread: int = 0  # lines that are damaged, of a later version, or lie before the last 64 MiB


def append_history(path: Path, run: Run, environment: Mapping[str, str] | None = None) -> HistoryEntry:
    """Append a run, unless it is there already; complete lines are never rewritten.

    Raises:
        BundleError: the file cannot be written.
    """
    entry = entry_of(run, environment)
    line = json.dumps(entry.model_dump(mode="json"), sort_keys=True, allow_nan=False).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"), path.open("a+b") as stream:
            if line not in _drop_half_line(stream):
                stream.write(line + b"\n")
    except OSError as error:
        raise BundleError("the history cannot be written", where=str(path), hint=str(error)) from error
    return entry


def _drop_half_line(stream: BinaryIO) -> set[bytes]:
    """Cut off a last line without an end (a run that was killed while it wrote left no record); the whole lines."""
    size = stream.seek(0, os.SEEK_END)
    start = stream.seek(max(0, size - MAX_HISTORY_BYTES))
    content = stream.read()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        stream.truncate(start + end)
    stream.seek(0, os.SEEK_END)
    return set(content[:end].split(b"\n"))


def read_history(path: Path) -> History:
    """The runs of a history. A trend is nice to have: whatever is wrong with the file, a report does not fail for it.

    A missing file is an empty history, a half-written last line is left out, and what cannot be read is counted.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            stream.seek(max(0, size - MAX_HISTORY_BYTES))
            lines = stream.read(MAX_HISTORY_BYTES).split(b"\n")
    except FileNotFoundError:
        return History(())
    except OSError:
        return History((), unread=1)
    unread = int(size > MAX_HISTORY_BYTES)  # the line that the beginning cuts, and those before it
    entries = []
    for line in lines[unread:-1] if lines[-1] else lines[unread:]:
        if not line.strip():
            continue
        try:
            entries.append(HistoryEntry.model_validate(_strict_json(line)))
        except (ValueError, ValidationError, RecursionError):
            unread += 1
    return History(tuple(sorted(entries, key=lambda entry: entry.created)), unread)


def _strict_json(line: bytes) -> object:
    def refuse(constant: str) -> float:
        raise ValueError(f"{constant} is not JSON")

    data: object = json.loads(line, parse_constant=refuse)
    return data
