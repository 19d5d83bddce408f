"""The history of runs: appended to, never rewritten; trends of what is comparable."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from sdqa.bundle import Bundle, Measurement, Run
from sdqa.report import write_report
from sdqa.report.history import append_history, entry_of, read_history
from sdqa.report.trends import trend_of
from tests.builders import lane_record, run_record

SHA = "0123456789abcdef0123456789abcdef01234567"


def run_of(day: int, *values: float, unit: str = "dB", fault: str | None = None) -> Run:
    measurements = tuple(Measurement(metric="psnr", case=f"c{i}", value=v, unit=unit) for i, v in enumerate(values))
    created = f"2026-01-{day:02d}T00:00:00Z"
    return run_record(lane_record("a", measurements=measurements), created=created, fault=fault)


def test_a_run_is_one_line_with_medians_and_the_commit(tmp_path: Path) -> None:
    path = tmp_path / "new" / "history.jsonl"
    append_history(path, run_of(1, 30.0, 40.0, 50.0), {"GITHUB_SHA": SHA, "GITHUB_REF_NAME": "main"})
    (line,) = path.read_text(encoding="utf-8").splitlines()
    data = json.loads(line)
    assert (data["commit"], data["ref"], data["created"]) == (SHA, "main", "2026-01-01T00:00:00Z")
    assert data["lanes"]["a"]["metrics"]["psnr"] == {"median": 40.0, "n": 3, "unit": "dB"}


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    append_history(path, run_of(1, 30.0), {})
    before = path.read_bytes()
    append_history(path, run_of(2, 31.0), {})
    assert path.read_bytes().startswith(before)
    assert [entry.created[:10] for entry in read_history(path).entries] == ["2026-01-01", "2026-01-02"]


def test_the_same_run_is_added_once(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    for run in (run_of(1, 30.0), run_of(1, 30.0), run_of(2, 30.0), run_of(2, 30.0)):
        append_history(path, run, {})
    assert [entry.created[:10] for entry in read_history(path).entries] == ["2026-01-01", "2026-01-02"]


def test_half_a_line_is_neither_read_nor_glued_to(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    append_history(path, run_of(1, 30.0), {})
    with path.open("a", encoding="utf-8") as stream:
        stream.write('{"created": "2026-01-0')
    assert len(read_history(path).entries) == 1
    append_history(path, run_of(3, 31.0), {})
    assert [entry.created[:10] for entry in read_history(path).entries] == ["2026-01-01", "2026-01-03"]


def test_a_run_that_came_before_another_is_added_once_too(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    for run in (run_of(1, 30.0), run_of(2, 30.0), run_of(2, 30.0), run_of(1, 30.0)):
        append_history(path, run, {})
    assert [entry.created[:10] for entry in read_history(path).entries] == ["2026-01-01", "2026-01-02"]


@pytest.mark.parametrize("line", [b'{"created": 1}', b'{"schema_version": 2, "created": "x"}', b"\xff", b"[" * 10**5])
def test_a_line_that_cannot_be_read_is_skipped_and_counted(tmp_path: Path, bundle: Bundle, line: bytes) -> None:
    path = tmp_path / "history.jsonl"
    for day in (1, 2):
        append_history(path, run_of(day, 30.0), {})
    path.write_bytes(line + b"\n" + path.read_bytes())
    found = read_history(path)
    assert (len(found.entries), found.unread) == (2, 1)
    page = write_report(bundle, tmp_path / "out", history=path).html.read_text(encoding="utf-8")
    assert "1 line of the history could not be read" in page


def test_of_a_history_that_is_too_large_the_end_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history.jsonl"
    for day in range(1, 9):
        append_history(path, run_of(day, 30.0), {})
    whole = path.read_bytes()
    monkeypatch.setattr("sdqa.report.history.MAX_HISTORY_BYTES", 3 * len(whole) // 8)
    found = read_history(path)
    assert [entry.created[:10] for entry in found.entries] == ["2026-01-07", "2026-01-08"]
    assert found.unread == 1
    append_history(path, run_of(9, 30.0), {})
    assert path.read_bytes().startswith(whole)


def test_a_folder_in_place_of_the_history_is_no_reason_to_fail(tmp_path: Path, bundle: Bundle) -> None:
    assert read_history(tmp_path).unread == 1
    assert write_report(bundle, tmp_path / "out", history=tmp_path).html.exists()


def test_no_history_is_an_empty_one(tmp_path: Path) -> None:
    assert read_history(tmp_path / "none.jsonl").entries == ()


def test_figures_that_are_not_finite_do_not_reach_the_medians() -> None:
    metrics = entry_of(run_of(1, math.nan, 30.0, math.inf), {}).lanes["a"].metrics
    assert metrics["psnr"].median == 30.0
    assert not entry_of(run_of(1, math.nan), {}).lanes["a"].metrics


def test_what_is_no_commit_is_left_out() -> None:
    assert entry_of(run_of(1), {"GITHUB_SHA": "<script>"}).commit == ""
    assert entry_of(run_of(1), {"GIT_COMMIT": SHA.upper()}).commit == SHA


def test_trends_need_two_runs_and_leave_planted_faults_out() -> None:
    entries = [entry_of(run_of(1, 30.0), {}), entry_of(run_of(2, 5.0, fault="nan"), {})]
    assert trend_of(entries) is None
    trend = trend_of([*entries, entry_of(run_of(3, 31.5), {})])
    assert trend is not None
    (row,) = trend.rows
    assert (row.first, row.last, row.change, row.runs) == ("30 dB", "31.5 dB", "+1.5 dB", 2)


def test_a_series_starts_again_with_another_unit() -> None:
    runs = [run_of(1, 30.0), run_of(2, 31.0), run_of(3, 5.0, unit="bel"), run_of(4, 6.0, unit="bel")]
    trend = trend_of([entry_of(run, {}) for run in runs])
    assert trend is not None
    assert (trend.rows[0].first, trend.rows[0].runs) == ("5 bel", 2)


def test_the_page_shows_the_trend(bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    for day in (1, 2, 3):
        append_history(path, run_of(day, 30.0 + day), {"GITHUB_SHA": SHA})
    page = write_report(bundle, tmp_path / "out", history=path).html.read_text(encoding="utf-8")
    assert 'id="trend"' in page
    assert "psnr in a: from 31 dB to 33 dB over 3 runs" in page
    assert SHA[:10] in page
