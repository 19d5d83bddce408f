"""Processor settings: the machine as it is, every change alone, then combinations, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sdqa.bundle import Bundle, Lane, Run, Verdict
from sdqa.errors import ExecutionError, UsageError
from sdqa.workflow.campaign import CampaignSettings, settings
from sdqa.workflow.campaign.settings import CHANGES, lend, measure_settings, name_of, processor_settings


def test_settings_are_all_different_and_the_plain_one_and_single_changes_come_first() -> None:
    known = processor_settings()
    assert len(known) >= 100
    assert len({name_of(one) for one in known}) == len(known)
    singles = [dict(change) for changes in CHANGES for change in changes]
    assert name_of(known[0]) == "as it is"
    assert sorted(map(name_of, known[1 : 1 + len(singles)])) == sorted(map(name_of, singles))


def test_a_run_borrows_packages_and_nothing_that_was_drawn(tmp_path: Path) -> None:
    for kind in ("package", "sample", "score", "trace", "parity"):
        (tmp_path / "store" / kind / "key").mkdir(parents=True)
        (tmp_path / "store" / kind / "key" / "file").write_text(kind, encoding="utf-8")
    lend(tmp_path / "store", tmp_path / "borrower")
    found = sorted(path.relative_to(tmp_path / "borrower").as_posix() for path in (tmp_path / "borrower").rglob("file"))
    assert found == ["package/key/file"]
    (tmp_path / "borrower" / "package" / "key" / "new").touch()
    assert not (tmp_path / "store" / "package" / "key" / "new").exists()


def test_a_setting_of_this_process_does_not_reach_the_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "SSE41")
    monkeypatch.setenv("SDQA_TEST_KEPT", "yes")
    plain = settings._plain_environment()
    assert "ONEDNN_MAX_CPU_ISA" not in plain
    assert (plain["SDQA_TEST_KEPT"], plain["OMP_NUM_THREADS"], plain["PATH"]) == ("yes", "1", os.environ["PATH"])


@pytest.mark.parametrize(("machine", "runs", "words"), [("arm64", 1, "x86-64"), ("x86_64", 9999, "not 9999")])
def test_other_machines_and_more_runs_than_settings_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, machine: str, runs: int, words: str
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    wanted = CampaignSettings(None, None, tmp_path, cases=1, diagnose=False)
    with pytest.raises(UsageError, match=words):
        measure_settings(wanted, runs)


def run_of(status: str, room: float | None) -> Run:
    verdicts = (
        Verdict(check="tiny/fp16/girl/lpips", metric="lpips", case="girl", status=status),  # type: ignore[arg-type]
        Verdict(check="tiny/fp16/girl/psnr", metric="psnr", case="girl", status="pass", room_used=room),
    )
    lane = Lane(
        id="tiny/fp16", model="tiny", variant="fp16", runtime="reference", compute_unit="CPU_ONLY", verdicts=verdicts
    )
    return Run(
        sdqa_version="1", suite="tiny", suite_digest="0" * 64, created="2026-11-26T10:00:00+00:00", lanes=(lane,)
    )


@pytest.fixture
def stage(tmp_path: Path) -> Any:
    (tmp_path / "store" / "package" / "unet").mkdir(parents=True)
    return SimpleNamespace(
        store=SimpleNamespace(root=tmp_path / "store"),
        plan=SimpleNamespace(suite_path=tmp_path / "sdqa.toml"),
        lane=SimpleNamespace(id="tiny/fp16", cases={"girl": SimpleNamespace(source=None)}),
    )


@pytest.mark.parametrize(("code", "status", "alarms"), [(0, "pass", ()), (1, "fail", ("girl",))])
def test_a_setting_is_judged_by_a_whole_run_of_its_own(
    stage: Any, monkeypatch: pytest.MonkeyPatch, code: int, status: str, alarms: tuple[str, ...]
) -> None:
    def run(command: list[str], *, env: dict[str, str], **_: object) -> subprocess.CompletedProcess[str]:
        told = dict(zip(command[4::2], command[5::2], strict=True))
        assert told["--lane"] == "tiny/fp16"
        assert [path.name for path in Path(told["--store"]).iterdir()] == ["package"]
        assert (env["MKL_CBWR"], env["OMP_NUM_THREADS"]) == ("COMPATIBLE", "2")
        Bundle(Path(told["--output"])).write(run_of(status, 0.9))
        return subprocess.CompletedProcess(command, code, "", "")

    monkeypatch.setattr(settings.subprocess, "run", run)
    found = settings._judged(stage, {"OMP_NUM_THREADS": "2", "MKL_CBWR": "COMPATIBLE"})
    assert found.setting == ("MKL_CBWR=COMPATIBLE", "OMP_NUM_THREADS=2")
    assert (found.exit_code, found.alarms, found.cases) == (code, alarms, {"girl": "text-to-image"})
    assert (found.room_used, found.closest) == (0.9, "girl/psnr")


def test_a_run_without_a_verdict_is_no_green_one(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = subprocess.CompletedProcess([], -4, "", "Illegal instruction")
    monkeypatch.setattr(settings.subprocess, "run", lambda *_, **__: ended)
    with pytest.raises(ExecutionError, match="-4: Illegal instruction"):
        settings._judged(stage, {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"})
