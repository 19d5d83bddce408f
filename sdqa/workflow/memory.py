"""Every run is remembered in `.sdqa/history`. That never gates: where it cannot be done, somebody is told."""

from __future__ import annotations

from pathlib import Path

from sdqa.bundle import Run
from sdqa.endings import in_words
from sdqa.history import History, add_records, open_place, read_history, record_of
from sdqa.report.trends import SHOWN

FOLDER = "history"


def remember(run: Run, home: Path, suite: Path) -> tuple[History | None, str]:
    """Add a run; the last runs with it, and what kept it from being added, in words.

    Args:
        home: what `.sdqa` means.
        suite: the folder of the suite.
    """
    place = str(home / FOLDER)
    try:
        add_records(open_place(place), [record_of(run, folder=suite)])
    except Exception as error:
        return None, f"the run was not added to the history: {in_words(error).what}"
    return read_history(place, last=SHOWN), ""
