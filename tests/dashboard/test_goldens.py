"""The audit log as a timeline, with pictures that git remembers, and nobody's address."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from sdqa.dashboard.goldens import timeline

GOLDENS = Path(__file__).parents[2] / "goldens"


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def goldens(tmp_path: Path) -> Path:
    """One golden of the embedded model, in a repository."""
    folder = tmp_path / "goldens" / "tiny"
    shutil.copytree(GOLDENS / "tiny" / "portrait-hat", folder / "portrait-hat")
    lines = (GOLDENS / "tiny" / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    own = [line for line in lines if '"subject": "portrait-hat"' in line]
    (folder / "audit.jsonl").write_text("\n".join(own) + "\n", encoding="utf-8")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path / "goldens"


def test_the_newest_change_has_its_picture(goldens: Path) -> None:
    found, problems = timeline(goldens)
    assert problems == []
    assert [one.subject for one in found] == ["portrait-hat"] * len(found)
    assert found == sorted(found, key=lambda one: one.date, reverse=True)
    assert found[0].picture_after[:4] == b"RIFF"
    assert not any("@" in one.who for one in found)


def test_a_picture_that_is_gone_is_found_in_git(goldens: Path) -> None:
    wanted = timeline(goldens)[0][0].picture_after
    (goldens / "tiny" / "portrait-hat" / "image.png").write_bytes(b"no picture")
    assert timeline(goldens)[0][0].picture_after == wanted
    shutil.rmtree(goldens.parent / ".git")
    assert timeline(goldens)[0][0].picture_after == b""


def test_a_log_that_cannot_be_read_is_told_and_others_are_shown(goldens: Path) -> None:
    (goldens / "other").mkdir()
    (goldens / "other" / "audit.jsonl").write_text("{}\n", encoding="utf-8")
    found, problems = timeline(goldens)
    assert found
    assert problems == ["other: a line of the audit log is not an entry"]


def test_a_subject_leads_nowhere_else(goldens: Path) -> None:
    path = goldens / "tiny" / "audit.jsonl"
    path.write_text(path.read_text().replace('"subject": "portrait-hat"', '"subject": "../../../etc"'))
    assert all(not one.picture_after for one in timeline(goldens)[0])


def test_without_goldens_there_is_nothing(tmp_path: Path) -> None:
    assert timeline(tmp_path / "none") == ([], [])
