"""`sdqa history`: what it says, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdqa.bundle import Bundle
from sdqa.cli import run as sdqa
from sdqa.history import add_records, read_history
from sdqa.history.places import HistoryFolder
from tests.history.records import record_at, run_at, sha


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_add_says_whether_it_was_new(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Bundle(here / "bundle").write(run_at(1))
    more = ("--to", "place", "--report", "https://example.org/r", "--pull-request", "12")
    assert sdqa(["history", "add", "bundle", *more]) == 0
    assert "place: added the run of 2026-01-01T01:00:00" in capsys.readouterr().out
    assert sdqa(["history", "add", "bundle", *more]) == 0
    assert "already there" in capsys.readouterr().out
    (record,) = read_history("place").records
    assert (record.report, record.pull_request) == ("https://example.org/r", "12")


def test_add_refuses_what_is_no_address_and_no_bundle(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Bundle(here / "bundle").write(run_at(1))
    assert sdqa(["history", "add", "bundle", "--report", "javascript:alert(1)"]) == 3
    assert sdqa(["history", "add", "none"]) == 3
    assert "Traceback" not in capsys.readouterr().err
    assert not (here / ".sdqa").exists()


def test_the_last_twenty_are_shown_the_newest_first(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sdqa(["history"]) == 0
    assert "no runs in .sdqa/history yet" in capsys.readouterr().out
    place = HistoryFolder(here / ".sdqa" / "history")
    add_records(place, [record_at(number, 0.01 if number < 22 else 0.05) for number in range(23)])
    (here / ".sdqa" / "history" / "runs" / "2026" / "01" / "20260103T000000Z-0123456789abcdef.json.gz").write_bytes(b"")
    assert sdqa(["history"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 21  # of the last twenty files one is no record, and is counted
    assert lines[-1] == "not records, and skipped: 1"
    assert sha(23)[:10] in lines[0]
    assert "failed" in lines[0]
    assert "m/fp16/all/lpips" in lines[0]
    assert "of 24 runs in .sdqa/history" in "".join(lines)
    assert sdqa(["history", "show", "-n", "2"]) == 0
    assert "1 of 24 runs" in capsys.readouterr().out


def test_merge_tells_what_was_skipped(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_records(HistoryFolder(here / "one"), [record_at(1), record_at(2)])
    broken = here / "one" / "runs" / "2026" / "01" / "20260103T000000Z-0123456789abcdef.json.gz"
    broken.write_bytes(b"")
    assert sdqa(["history", "merge", "one", "one", "--to", "two"]) == 0
    said = capsys.readouterr()
    assert "two: 2 added" in said.out
    assert "skipped runs/2026/01/20260103T000000Z-0123456789abcdef.json.gz: it is" in said.err
    assert len(read_history("two").records) == 2
