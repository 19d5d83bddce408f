"""A history for other tools, which are not rivals: each has one file here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from sdqa.endings import in_words
from sdqa.errors import UsageError
from sdqa.history.exports import allure, asv, bencher, parquet
from sdqa.history.places import HistoryPlace
from sdqa.history.reading import Unread, once, read_records
from sdqa.history.records import RecordedRun

Writer = Callable[[Iterator[RecordedRun], Path], str]
WRITERS: dict[str, Writer] = {
    "parquet": parquet.write,
    "asv": asv.write,
    "allure": allure.write,
    "bencher": bencher.write,
}
"""Format → what writes it, and says in words what it wrote."""


def export_history(place: HistoryPlace, form: str, output: Path) -> str:
    """Write the runs of a place in another tool's format; what was written, in words.

    Raises:
        HistoryError: the place cannot be read at all.
        ExtraMissing: the format needs a library that is not installed.
        UsageError: there is no run.
        SystemFault: the output cannot be written.
    """
    found = [one for _, one in read_records(place, place.names())]
    records = once(one for one in found if isinstance(one, RecordedRun))
    skipped = sum(isinstance(one, Unread) for one in found)
    if not records:
        raise UsageError("there is no run to export", where=place.where, hint="each `sdqa qa` adds one")
    try:
        words = WRITERS[form](iter(records), output)
    except OSError as error:
        raise in_words(error) from error
    return f"{words}{f'; {skipped} files were skipped' if skipped else ''}"
