"""Adding and merging: a file that is there is left alone, so both may be done in any order, and twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sdqa.bundle.files import Refused
from sdqa.errors import HistoryError
from sdqa.history.files import encode
from sdqa.history.places import HistoryPlace
from sdqa.history.reading import Unread, read_records
from sdqa.history.records import RecordedRun


@dataclass(frozen=True)
class Merged:
    """What a merge did."""

    added: int
    known: int  # that were there already, or in two sources
    unread: tuple[Unread, ...] = ()


def add_records(place: HistoryPlace, records: Iterable[RecordedRun]) -> int:
    """Add records; how many were new.

    Raises:
        HistoryError: the place cannot be written, or a record is too large.
    """
    try:
        return place.add(dict(encode(record) for record in records))
    except Refused as problem:
        raise HistoryError(f"the run's record {problem}", where=place.where) from problem


def merge_places(target: HistoryPlace, sources: Iterable[HistoryPlace]) -> Merged:
    """Copy every record of other places that the target does not have.

    Raises:
        HistoryError: a place cannot be read or written at all.
    """
    there = set(target.names())
    files: dict[str, bytes] = {}
    unread: list[Unread] = []
    known = 0
    for source in sources:
        names = source.names()
        known += len(there.intersection(names))
        for _, found in read_records(source, [name for name in names if name not in there]):
            if isinstance(found, Unread):
                unread.append(found)
            else:
                files.update([encode(found)])
    added = target.add(files) if files else 0
    return Merged(added, known, tuple(unread))
