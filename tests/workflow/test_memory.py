"""Each run is remembered; whatever keeps it from being so is said and takes nothing from the verdict."""

from __future__ import annotations

from pathlib import Path

from sdqa.history import read_history
from sdqa.workflow.memory import remember
from tests.history.records import run_at


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
