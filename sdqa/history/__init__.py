"""What is kept of every run: one small immutable file each, in any place, merged by copying.

`records` are what is kept, `making` makes one of a bundle, `files` is how one is written and read back as what it is:
a stranger's file. `places` says where they lie (a folder, a git branch, any fsspec address), `reading` reads as many as
are wanted. A history never gates: what cannot be read is skipped and counted.
"""

from __future__ import annotations

from sdqa.history.making import record_of
from sdqa.history.places import open_place
from sdqa.history.reading import History, read_history
from sdqa.history.records import FigureColumns, RecordedLane, RecordedPackage, RecordedRun
from sdqa.history.writing import add_records

__all__ = [
    "FigureColumns",
    "History",
    "RecordedLane",
    "RecordedPackage",
    "RecordedRun",
    "add_records",
    "open_place",
    "read_history",
    "record_of",
]
