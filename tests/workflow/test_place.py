"""Runs that are no full ones do not fill the disk."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from sdqa.workflow.place import KEPT_RUNS, UNTOUCHED_S, Place

LONG_AGO = time.time() - 2 * UNTOUCHED_S


def runs(home: Path, count: int, *, written: float = LONG_AGO) -> list[Path]:
    """So many runs of a day, each with a report."""
    made = []
    for number in range(count):
        folder = home / "runs" / f"20260101-{number:06d}-abcdef"
        (folder / "blobs").mkdir(parents=True)
        (folder / "run.json").write_text("{}")
        for path in (folder / "run.json", folder / "blobs", folder):
            os.utime(path, (written, written))
        made.append(folder)
    return made


def test_the_newest_runs_stay(tmp_path: Path) -> None:
    made = runs(tmp_path, KEPT_RUNS + 3)
    Place.of(None, tmp_path, "20260102-000000-abcdef").prune()
    assert [one.exists() for one in made] == [False] * 3 + [True] * KEPT_RUNS


def test_a_run_that_goes_on_stays(tmp_path: Path) -> None:
    made = runs(tmp_path, KEPT_RUNS + 3)
    (made[0] / "blobs" / "a").write_text("a picture of just now")
    own = Place.of(None, tmp_path, made[1].name)
    own.prune()
    assert [one.exists() for one in made[:3]] == [True, True, False], "one that is written to, and this one"


def test_what_nobody_made_here_stays(tmp_path: Path) -> None:
    made = runs(tmp_path, KEPT_RUNS)
    mine = tmp_path / "runs" / "00-before-the-change"
    mine.mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "runs" / "20250101-000000-abcdef").symlink_to(outside)
    Place.of(None, tmp_path, "20260102-000000-abcdef").prune()
    assert mine.exists()
    assert outside.exists()
    assert all(one.exists() for one in made)


@pytest.mark.parametrize("output", ["named", None])
def test_a_folder_that_somebody_named_prunes_nothing(tmp_path: Path, output: str | None) -> None:
    made = runs(tmp_path / "home", KEPT_RUNS + 1)
    Place.of(output, tmp_path / ("home" if output else "none"), "x").prune()
    assert all(one.exists() for one in made)
