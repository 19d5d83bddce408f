"""Processor settings: the machine as it is, every change alone, then combinations, each in a process of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sdqa.errors import UsageError
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
