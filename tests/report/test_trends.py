"""Trends on a run's page: of what is comparable, from the records of the history."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from sdqa.bundle import Bundle, Measurement, Run, Verdict
from sdqa.history import History, record_of
from sdqa.report import write_report
from sdqa.report.checks import check_rows
from sdqa.report.trends import check_trends, trend_of
from tests.builders import lane_record, run_record

SHA = "0123456789abcdef0123456789abcdef01234567"


def run_of(day: int, *values: float, unit: str = "dB", fault: str | None = None) -> Run:
    measurements = tuple(Measurement(metric="psnr", case=f"c{i}", value=v, unit=unit) for i, v in enumerate(values))
    created = f"2026-01-{day:02d}T00:00:00Z"
    return run_record(lane_record("a", measurements=measurements), created=created, fault=fault)


def test_trends_need_two_runs_and_leave_planted_faults_out() -> None:
    records = [record_of(run_of(1, 30.0), environment={}), record_of(run_of(2, 5.0, fault="nan"), environment={})]
    assert trend_of(records) is None
    trend = trend_of([*records, record_of(run_of(3, 31.5), environment={})])
    assert trend is not None
    (row,) = trend.rows
    assert (row.first, row.last, row.change, row.runs) == ("30 dB", "31.5 dB", "+1.5 dB", 2)


def test_a_series_starts_again_with_another_unit() -> None:
    runs = [run_of(1, 30.0), run_of(2, 31.0), run_of(3, 5.0, unit="bel"), run_of(4, 6.0, unit="bel")]
    trend = trend_of([record_of(run, environment={}) for run in runs])
    assert trend is not None
    assert (trend.rows[0].first, trend.rows[0].runs) == ("5 bel", 2)


def test_a_run_without_a_finite_figure_has_no_place_in_a_trend() -> None:
    records = [record_of(run_of(day, value), environment={}) for day, value in ((1, 30.0), (2, math.nan), (3, 31.0))]
    trend = trend_of(records)
    assert trend is not None
    assert trend.rows[0].runs == 2


def test_the_page_shows_the_trend_and_what_could_not_be_read(bundle: Bundle, tmp_path: Path) -> None:
    records = tuple(record_of(run_of(day, 30.0 + day), environment={"GITHUB_SHA": SHA}) for day in (1, 2, 3))
    page = write_report(bundle, tmp_path, history=History(records, unread=1)).html.read_text(encoding="utf-8")
    assert 'id="trend"' in page
    assert "psnr in a: from 31 dB to 33 dB over 3 runs" in page
    assert "1 file of the history could not be read" in page
    assert SHA[:10] in page


def judged(day: int, value: float, *, unit: str = "", fault: str | None = None, case: str = "c") -> Run:
    verdict = Verdict(
        check=f"a/{case}/lpips", metric="lpips", case=case, status="pass", value=value, golden=0.0, difference=value,
        tolerance=0.1, unit=unit,
    )  # fmt: skip
    return run_record(lane_record("a", verdict), created=f"2026-01-{day:02d}T00:00:00Z", fault=fault)


def test_a_check_s_trend_ends_with_this_run() -> None:
    now = judged(9, 0.05)
    earlier = [judged(1, 0.01), judged(2, 0.03), judged(3, 0.9, fault="nan"), judged(4, 0.02, unit="dB"), now]
    history = [record_of(run, environment={}) for run in earlier]
    found = check_trends(history, now, check_rows(now))
    (trend,) = found.values()
    assert (trend.low, trend.high, trend.before, trend.runs) == (0.01, 0.05, 0.03, 3)
    assert trend.marks == "0D.X"  # at the bottom, in the middle, of another unit, at the top


def test_a_check_that_is_new_or_has_no_figure_has_no_trend(monkeypatch: pytest.MonkeyPatch) -> None:
    now = judged(9, 0.05, case="other")
    assert check_trends([record_of(judged(1, 0.01), environment={})], now, check_rows(now)) == {}
    assert check_trends([], now, check_rows(now)) == {}
    broken = judged(9, math.nan)
    (trend,) = check_trends([record_of(judged(1, 0.01), environment={})], broken, check_rows(broken)).values()
    assert (trend.marks, trend.runs) == ("D.", 1)
    monkeypatch.setattr("sdqa.report.trends.MAX_TRENDS", 0)
    assert check_trends([record_of(judged(1, 0.01), environment={})], broken, check_rows(broken)) == {}
