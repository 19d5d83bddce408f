"""Records as rows of SQLite, added as they come: a second build reads only what is new.

The file is a cache. One of another version, or one that SQLite does not like, is thrown away and built again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path

from sdqa.dashboard.columns import pack
from sdqa.history import FigureColumns, RecordedLane, RecordedRun
from sdqa.history.making import machine_digest
from sdqa.history.places import HistoryPlace
from sdqa.history.reading import Unread, read_records
from sdqa.history.records import utc
from sdqa.store import digest_of

VERSION = 5
BATCH = 100
"""Records that are read at once."""
SCHEMA = """
CREATE TABLE runs(id INTEGER PRIMARY KEY, name TEXT UNIQUE, moment REAL, created TEXT, identity TEXT, header TEXT,
  counts TEXT);
CREATE TABLE lanes(run INTEGER, lane TEXT, status TEXT, fingerprint TEXT, facts TEXT, bytes INTEGER, inputs TEXT,
  goldens TEXT, packages TEXT, PRIMARY KEY(run, lane)) WITHOUT ROWID;
CREATE TABLE series(id INTEGER PRIMARY KEY, lane TEXT, metric TEXT, component TEXT, case_name TEXT, unit TEXT,
  better TEXT);
CREATE TABLE layouts(id INTEGER PRIMARY KEY, series TEXT UNIQUE);
CREATE TABLE figures(run INTEGER, lane TEXT, layout INTEGER, numbers BLOB, PRIMARY KEY(lane, run));
CREATE TABLE unread(name TEXT PRIMARY KEY, why TEXT);
"""


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The database, made where it is missing or not ours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _connected(path)
    try:
        yield connection
        connection.commit()
    finally:
        connection.close()


def _connected(path: Path) -> sqlite3.Connection:
    for fresh in (False, True):
        if fresh:
            path.unlink(missing_ok=True)
        connection = sqlite3.connect(path)
        try:
            connection.executescript("PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == VERSION:
                connection.execute("SELECT count(*) FROM runs").fetchone()
                return connection
            if not version and not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                connection.executescript(f"{SCHEMA}PRAGMA user_version={VERSION};")
                return connection
        except sqlite3.DatabaseError:
            pass
        connection.close()
    raise AssertionError("a new database is ours")


def refresh(
    connection: sqlite3.Connection, place: HistoryPlace, each: Callable[[str, RecordedRun], None] = lambda *_: None
) -> int:
    """Bring the rows to what a place holds; how many records were new.

    Args:
        each: is given every new record with its name.

    Raises:
        HistoryError: the place cannot be read at all.
    """
    names = place.names()
    known = {name for (name,) in connection.execute("SELECT name FROM runs UNION SELECT name FROM unread")}
    _forget(connection, known - set(names))
    new = [name for name in names if name not in known]
    layouts = _Layouts(connection)
    for start in range(0, len(new), BATCH):
        for name, found in read_records(place, new[start : start + BATCH]):
            if isinstance(found, Unread):
                connection.execute("INSERT OR REPLACE INTO unread VALUES (?, ?)", (found.name, found.why))
            else:
                _add(connection, layouts, name, found)
                each(name, found)
    return len(new)


def _forget(connection: sqlite3.Connection, gone: set[str]) -> None:
    for name in gone:
        for (run,) in connection.execute("SELECT id FROM runs WHERE name = ?", (name,)).fetchall():
            for table in ("figures", "lanes"):
                connection.execute(f"DELETE FROM {table} WHERE run = ?", (run,))
        connection.execute("DELETE FROM runs WHERE name = ?", (name,))
        connection.execute("DELETE FROM unread WHERE name = ?", (name,))


SeriesKey = tuple[str, str, str, str, str]  # lane, metric, component, case, unit
Names = tuple[tuple[str, ...], ...]  # metric, component, case, unit, better: a column each


class _Layouts:
    """The series that the numbers of a lane are of; from run to run they are the same as a rule."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        rows = connection.execute("SELECT lane, metric, component, case_name, unit, id FROM series")
        self._ids: dict[SeriesKey, int] = {tuple(key): number for *key, number in rows}
        self._last: dict[str, tuple[Names, int]] = {}

    def number(self, lane: str, table: FigureColumns) -> int:
        """The number of a lane's layout; of two figures of one name the first counts."""
        names = (table.metric, table.component, table.case, table.unit, table.better)
        if lane not in self._last or self._last[lane][0] != names:
            self._last[lane] = names, self._new(lane, table)
        return self._last[lane][1]

    def _new(self, lane: str, table: FigureColumns) -> int:
        keys = []
        names = zip(repeat(lane), table.metric, table.component, table.case, table.unit)
        for key, better in zip(names, table.better, strict=True):
            series = self._ids.get(key)
            if series is None:
                series = self._ids[key] = len(self._ids) + 1
                self._connection.execute("INSERT INTO series VALUES (?, ?, ?, ?, ?, ?, ?)", (series, *key, better))
            keys.append(series)
        text = ",".join(map(str, keys))
        self._connection.execute("INSERT OR IGNORE INTO layouts(series) VALUES (?)", (text,))
        (number,) = self._connection.execute("SELECT id FROM layouts WHERE series = ?", (text,)).fetchone()
        return int(number)


def _add(connection: sqlite3.Connection, layouts: _Layouts, name: str, record: RecordedRun) -> None:
    header = record.model_dump_json(exclude={"lanes"})
    counts = json.dumps(list(record.counts.values()))
    run = connection.execute(
        "INSERT INTO runs(name, moment, created, identity, header, counts) VALUES (?, ?, ?, ?, ?, ?)",
        (name, utc(record.created).timestamp(), record.created, record.identity, header, counts),
    ).lastrowid
    assert run is not None
    for lane in record.lanes:
        facts = lane.fingerprint.model_dump_json()
        connection.execute(
            "INSERT OR IGNORE INTO lanes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run,
                lane.id,
                lane.status,
                machine_digest(lane),
                facts,
                lane.bytes,
                _inputs(record, lane),
                _goldens(lane),
                digest_of(sorted((one.component, one.digest) for one in lane.packages))[:16],
            ),
        )
        row = (run, lane.id, layouts.number(lane.id, lane.figures), pack(lane.figures))
        connection.execute("INSERT OR IGNORE INTO figures VALUES (?, ?, ?, ?)", row)


def _inputs(record: RecordedRun, lane: RecordedLane) -> str:
    """Digest of all that a verdict follows from: where it is the same, the verdict should be."""
    packages = [(one.component, one.digest) for one in lane.packages]
    said = [record.suite_digest, record.judge, record.sdqa_version, machine_digest(lane), packages, lane.goldens]
    return digest_of(said)[:16]


def _goldens(lane: RecordedLane) -> str:
    return json.dumps({case: digest[:12] for case, digest in sorted(lane.goldens.items())})
