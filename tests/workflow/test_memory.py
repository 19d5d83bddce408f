"""Each run is remembered; whatever keeps it from being so is said and takes nothing from the verdict."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from sdqa.history import read_history
from sdqa.pytest_session import Session, conclude
from sdqa.store import Store
from sdqa.workflow.job import prepare
from sdqa.workflow.memory import remember
from sdqa.workflow.place import Place
from tests.history.records import run_at
from tests.small_suite import write_suite


def test_a_run_is_remembered_and_comes_back_with_those_before(tmp_path: Path) -> None:
    for number in range(3):
        history, problem = remember(run_at(number), tmp_path, tmp_path)
    assert problem == ""
    assert history is not None
    assert len(history.records) == 3
    assert history == read_history(str(tmp_path / "history"))


def test_what_cannot_be_remembered_is_said(tmp_path: Path) -> None:
    (tmp_path / "history").write_text("a file")
    history, problem = remember(run_at(1), tmp_path, tmp_path)
    assert history is None
    assert problem == "the run was not added to the history: the history cannot be written"
    assert remember(run_at(1, created="never"), tmp_path, tmp_path)[1].startswith("the run was not added")


def test_a_session_remembers_its_run_wherever_its_bundle_goes(tmp_path: Path) -> None:
    job = prepare(write_suite(tmp_path), Store(tmp_path / "store"), tmp_path / "elsewhere", ())
    place = Place.of(tmp_path / "elsewhere", tmp_path / ".sdqa", "name")
    left = conclude(job, place, [], frozenset(), Session(), full=False, diagnose=False, uncaptured=nullcontext)
    (record,) = read_history(str(tmp_path / ".sdqa" / "history")).records
    assert left.remarks == ()
    assert record.identity == left.run.identity()
    again = conclude(job, place, [], frozenset(), Session(), full=False, diagnose=False, uncaptured=nullcontext)
    page = (again.folder / "index.html").read_text(encoding="utf-8")
    assert page.count(record.created) >= 1


def test_a_history_that_cannot_be_kept_leaves_the_verdict_alone(tmp_path: Path) -> None:
    job = prepare(write_suite(tmp_path), Store(tmp_path / "store"), tmp_path / "elsewhere", ())
    (tmp_path / "home").write_text("a file where a folder should be")
    place = Place.of(tmp_path / "elsewhere", tmp_path / "home", "name")
    left = conclude(job, place, [], frozenset(), Session(), full=False, diagnose=False, uncaptured=nullcontext)
    assert left.written
    assert left.codes == ()
    assert left.remarks[0].startswith("the run was not added to the history")
