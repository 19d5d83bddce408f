"""Runs for other tools: what each of them reads, and a clear word where a library is missing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from sdqa.cli import run as sdqa
from sdqa.history import add_records
from sdqa.history.places import HistoryFolder
from tests.history.records import CASES, lane, record_at, sha


@pytest.fixture
def place(tmp_path: Path) -> str:
    runs = [record_at(number, 0.01 + number / 100) for number in range(4)]
    runs.append(record_at(5, 0.5, fault="nan"))
    runs.append(record_at(6, 0.02, lane(dict.fromkeys(CASES, float("nan")))))
    add_records(HistoryFolder(tmp_path / "place"), runs)
    return str(tmp_path / "place")


def export(place: str, form: str, output: Path) -> int:
    return sdqa(["history", "export", place, "--format", form, "--output", str(output)])


def test_parquet_has_one_row_a_figure(place: str, tmp_path: Path) -> None:
    tables = pytest.importorskip("pyarrow.parquet")
    assert export(place, "parquet", tmp_path / "new" / "runs.parquet") == 0
    table = tables.read_table(tmp_path / "new" / "runs.parquet")
    assert table.num_rows == 6 * 4
    rows = table.to_pylist()
    whole = [row for row in rows if row["metric"] == "lpips" and not row["case"]]
    assert [row["value"] for row in whole][:4] == [0.01, 0.02, 0.03, 0.04]
    assert whole[3]["status"] == "fail"
    assert whole[0]["commit"] == sha(1)
    assert whole[0]["created"].isoformat() == "2026-01-01T00:00:00+00:00"
    assert [row["fault"] for row in whole][4:] == ["nan", None]


def test_parquet_without_its_library_names_the_extra(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert export(place, "parquet", tmp_path / "x") == 2
    assert "pip install 'sdqa[parquet]'" in capsys.readouterr().err


def test_asv_has_a_result_a_commit_and_machine(place: str, tmp_path: Path) -> None:
    assert export(place, "asv", tmp_path / "asv") == 0
    benchmarks = json.loads((tmp_path / "asv" / "benchmarks.json").read_text())
    assert benchmarks.pop("version") == 2
    assert set(benchmarks) == {"m_fp16.lpips", "m_fp16.unet.package_bytes"}
    results = sorted((tmp_path / "asv").glob("*/*-sdqa.json"))
    assert len(results) == 5  # the planted fault is left out
    first = json.loads(next(one for one in results if one.name.startswith(sha(1)[:8])).read_text())
    assert first["version"] == 2
    figures = dict(zip(first["result_columns"], first["results"]["m_fp16.lpips"], strict=True))
    assert (first["commit_hash"], figures["result"]) == (sha(1), [0.01])
    machine = json.loads((results[0].parent / "machine.json").read_text())
    assert (machine["machine"], machine["cpu"]) == (results[0].parent.name, "chip")


def test_allure_has_the_last_run_and_the_history_of_each_check(place: str, tmp_path: Path) -> None:
    assert export(place, "allure", tmp_path / "allure") == 0
    results = [json.loads(path.read_text()) for path in (tmp_path / "allure").glob("*-result.json")]
    assert len(results) == 3
    history = json.loads((tmp_path / "allure" / "history" / "history.json").read_text())
    assert set(history) == {one["historyId"] for one in results}
    assert all(one["statistic"]["total"] == 6 and len(one["items"]) == 5 for one in history.values())
    trend = json.loads((tmp_path / "allure" / "history" / "history-trend.json").read_text())
    assert [one["buildOrder"] for one in trend] == [5, 4, 3, 2, 1]


def test_bencher_has_a_report_a_run(place: str, tmp_path: Path) -> None:
    assert export(place, "bencher", tmp_path / "bencher") == 0
    reports = [json.loads(path.read_text()) for path in sorted((tmp_path / "bencher").glob("*.json"))]
    assert len(reports) == 6
    assert reports[0]["m/fp16"]["lpips"] == {"value": 0.01, "lower_value": 0.009, "upper_value": 0.011}
    assert reports[0]["m/fp16/unet"]["package_bytes"] == {"value": 8e6}


def test_nothing_to_export_is_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(str(tmp_path / "none"), "asv", tmp_path / "x") == 2
    assert "there is no run to export" in capsys.readouterr().err
