"""As many records as are wanted, the oldest first. Whatever is wrong with one, the others are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sdqa.bundle import Run
from sdqa.bundle.files import Refused
from sdqa.errors import BundleError, HistoryError
from sdqa.history.files import decode
from sdqa.history.making import record_of
from sdqa.history.places import HistoryPlace, open_place
from sdqa.history.records import RecordedRun, utc


@dataclass(frozen=True)
class History:
    """What could be read of a history."""

    records: tuple[RecordedRun, ...] = ()  # oldest first, each run once
    unread: int = 0  # files that are damaged, too large, of a later version, or could not be fetched


@dataclass(frozen=True)
class Unread:
    """A file that is no record, and why."""

    name: str
    why: str


def read_records(place: HistoryPlace, names: list[str]) -> Iterator[tuple[str, RecordedRun | Unread]]:
    """Files of a place as records, or why they are none."""
    for name, data in place.read(names):
        try:
            if isinstance(data, Refused):
                raise data
            yield name, decode(name, data)
        except Refused as problem:
            yield name, Unread(name, str(problem))


def read_history(place: str | None, *, last: int = 100_000) -> History:
    """The last runs of a place. It is nice to have: whatever is wrong with it, nothing fails for it.

    Args:
        place: see `open_place`; None or a place that is not there yet is an empty history.
    """
    if not place:
        return History()
    try:
        opened = open_place(place)
        found = [one for _, one in read_records(opened, opened.names()[-last:])]
    except HistoryError:
        return History(unread=1)
    except Exception:  # a git or a file system of a kind that nobody foresaw: a trend is no reason to be red
        return History(unread=1)
    records = [one for one in found if isinstance(one, RecordedRun)]
    return History(once(records), len(found) - len(records))


def once(records: Iterable[RecordedRun]) -> tuple[RecordedRun, ...]:
    """Every run once, oldest first: of two records of one run, the one that says more of where it comes from."""
    best: dict[tuple[str, str], RecordedRun] = {}
    for record in records:
        key = (record.created, record.identity)
        if key not in best or _says(record) > _says(best[key]):
            best[key] = record
    return tuple(sorted(best.values(), key=lambda record: (utc(record.created), record.identity)))


def _says(record: RecordedRun) -> tuple[int, str]:
    said = (record.commit, record.parent, record.ref, record.pull_request, record.ci, record.report)
    return sum(map(bool, said)), record.model_dump_json()


def with_run(history: History, run: Run, folder: Path | None = None) -> History:
    """A history with one run more, where it does not hold it yet; as it is where the run cannot be recorded.

    Args:
        folder: in the work tree that was judged.
    """
    try:
        return History(once([*history.records, record_of(run, folder=folder)]), history.unread)
    except BundleError:
        return history
