"""A verdict of yesterday is never read as today's: whatever ends a gate, a merge or a report, it is gone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from sdqa.bundle import Bundle, Lane
from sdqa.bundle.folder import DERIVED, RUN_FILE
from sdqa.bundle.merge import merge
from sdqa.errors import BundleError, UsageError
from sdqa.report import write_report, writer
from sdqa.workflow.report import write as write_run
from tests.builders import lane_record, run_record, verdicts_of


def lane(name: str) -> Lane:
    return lane_record(name, *verdicts_of(name, "pass"))


@pytest.fixture
def yesterday(tmp_path: Path) -> Bundle:
    """A folder with a green verdict in all its forms."""
    bundle = Bundle(tmp_path / "out")
    bundle.write(run_record(lane("a")))
    write_report(bundle, bundle.folder, against=bundle)
    (bundle.folder / "diagnosis.json").write_text("{}", encoding="utf-8")
    bundle.add_blob(b"x", "text/plain")
    return bundle


def left(bundle: Bundle) -> set[str]:
    return {path.name for path in bundle.folder.iterdir()}


def test_everything_that_says_a_verdict_is_taken_away_and_nothing_else(yesterday: Bundle) -> None:
    assert left(yesterday) == {RUN_FILE, *DERIVED, "blobs"}
    yesterday.withdraw()
    assert left(yesterday) == {"blobs"}
    yesterday.withdraw()


def test_where_there_is_no_folder_there_is_nothing_to_take_away(tmp_path: Path) -> None:
    Bundle(tmp_path / "nowhere").withdraw()
    (tmp_path / "file").touch()
    Bundle(tmp_path / "file").withdraw()


def test_what_cannot_be_taken_away_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "index.html").mkdir()
    with pytest.raises(BundleError, match="an earlier verdict cannot be removed"):
        Bundle(tmp_path).withdraw()


def test_a_merge_that_fails_leaves_no_green_words(yesterday: Bundle, tmp_path: Path) -> None:
    one = Bundle(tmp_path / "one")
    one.write(run_record(lane("a")))
    with pytest.raises(BundleError):
        merge([one, Bundle(tmp_path / "half")], yesterday)
    assert left(yesterday) == {"blobs"}


def test_a_merge_into_one_of_its_parts_takes_nothing_from_it(yesterday: Bundle) -> None:
    with pytest.raises(UsageError):
        merge([yesterday], yesterday)
    assert yesterday.read().exit_code == 0


def test_a_report_that_cannot_be_made_leaves_none_of_another_run(
    yesterday: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> str:
        raise RuntimeError("half way")

    monkeypatch.setattr(writer, "summary_markdown", crash)
    with pytest.raises(RuntimeError):
        write_report(yesterday, yesterday.folder)
    assert left(yesterday) == {RUN_FILE, "diagnosis.json", "blobs"}


def test_a_run_that_dies_while_it_is_written_down_leaves_nothing_of_the_last(
    yesterday: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Bundle, "write", crash)
    monkeypatch.setattr(sys.modules[write_run.__module__], "committed_sensitivities", lambda job: ())
    job: Any = type("Job", (), {"bundle": yesterday})()
    with pytest.raises(MemoryError):
        write_run(job, run_record(lane("a")))
    assert left(yesterday) == {"blobs"}
