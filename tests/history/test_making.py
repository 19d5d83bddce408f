"""What is kept of a run, and where it says that it comes from."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path

import pytest

from sdqa.bundle import Measurement, Run
from sdqa.errors import BundleError
from sdqa.history import record_of
from tests.builders import lane_record, run_record
from tests.history.records import run_at, sha


def test_a_lane_has_a_figure_over_its_cases_and_one_a_case() -> None:
    (lane,) = record_of(run_at(1, 0.02), environment={}).lanes
    found = {(one.metric, one.case, one.component): one for one in lane.figures.rows()}
    whole = found["lpips", "", ""]
    assert (whole.value, whole.limit, whole.low, whole.high, whole.status, whole.n) == (
        0.02,
        0.03,
        0.018,
        0.022,
        "pass",
        2,
    )
    assert found["lpips", "hat", ""].limit == 0.06
    assert found["package_bytes", "", "unet"].value == 8e6
    assert lane.bytes == 8_000_000
    assert lane.goldens == {"hat": "a" * 64, "lake": "a" * 64}


def test_where_nobody_judges_the_lane_the_median_over_cases_stands_for_it() -> None:
    measurements = [Measurement(metric="psnr", case=f"c{i}", value=v) for i, v in enumerate((30.0, math.nan, 40.0))]
    (lane,) = record_of(run_record(lane_record("a", measurements=measurements)), environment={}).lanes
    (whole,) = [one for one in lane.figures.rows() if not one.case]
    assert (whole.value, whole.n, whole.status) == (35.0, 3, "")


def test_what_an_earlier_run_measured_is_that_run_s() -> None:
    figures = (Measurement(metric="latency_ms", value=1.0, replayed=True), Measurement(metric="size", value=1.0))
    (lane,) = record_of(run_record(lane_record("a", measurements=figures)), environment={}).lanes
    assert lane.figures.metric == ("size",)


def test_a_service_s_variables_count_where_they_are_of_the_same_run() -> None:
    service = {
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_RUN_ID": "7",
        "GITHUB_REF": "refs/pull/12/merge",
    }
    run = run_at(1)
    assert run.provenance is not None
    own = run.model_copy(update={"provenance": run.provenance.model_copy(update={"run_id": "7"})})
    record = record_of(own, environment=service)
    assert (record.ci, record.pull_request) == ("https://github.example/o/r/actions/runs/7", "12")
    other = run.model_copy(update={"provenance": run.provenance.model_copy(update={"run_id": "8"})})
    assert (record_of(other, environment=service).ci, record_of(other, environment=service).pull_request) == ("", "")


def test_a_commit_s_parent_is_asked_of_git(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        command = ["git", "-C", str(tmp_path), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    for message in ("one", "two"):
        git("commit", "-q", "--allow-empty", "-m", message)
    run = run_at(1)
    assert run.provenance is not None
    origin = run.provenance.model_copy(update={"commit": git("rev-parse", "HEAD")})
    record = record_of(run.model_copy(update={"provenance": origin}), folder=tmp_path, environment={})
    assert record.parent == git("rev-parse", "HEAD^")
    assert record_of(run, folder=tmp_path, environment={}).parent == ""  # a commit that is not there


def test_what_cannot_be_recorded_says_so() -> None:
    run: Run = run_at(1, created="x")
    with pytest.raises(BundleError, match="cannot be recorded"):
        record_of(run, environment={})
    with pytest.raises(BundleError, match="cannot be recorded"):
        record_of(run_at(1), report="javascript:alert(1)", environment={})
    assert record_of(run_at(1), environment={"GITHUB_SHA": "<script>"}).commit == sha(2)
