"""A case deleted leaves a golden behind: it is named by plan, qa and verify, and removed with a reason."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sdqa.cli import run
from sdqa.gate.audit import read_audit
from sdqa.gate.manifest import read_manifest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's suite without its last case, beside all goldens."""
    head, _, _ = (ROOT / "sdqa.toml").read_text(encoding="utf-8").rpartition("[cases.text-landscape]")
    (tmp_path / "sdqa.toml").write_text(head, encoding="utf-8")
    shutil.copytree(ROOT / "goldens", tmp_path / "goldens")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("verb", [["plan"], ["goldens", "verify", "--digests-only"]])
def test_it_is_named(place: Path, verb: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(verb) == 0
    assert "1 goldens that no case asks for: tiny/text-landscape" in capsys.readouterr().out


def test_it_is_named_when_the_suite_runs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["qa", "--collect-only", "-q"])
    assert "tiny/text-landscape" in capsys.readouterr().out.partition("::")[0]


def test_nothing_is_said_where_every_golden_has_its_case(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert run(["plan"]) == 0
    assert "orphans" not in capsys.readouterr().out


def test_it_is_removed_with_a_reason_and_an_entry(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = place / "goldens" / "tiny" / "text-landscape"
    before = read_manifest(folder).content()
    assert run(["goldens", "prune"]) == 2
    assert folder.exists()
    assert run(["goldens", "prune", "--reason", "the case was deleted"]) == 0
    assert not folder.exists()
    entry = read_audit(place / "goldens" / "tiny")[-1]
    assert (entry.subject, entry.before, entry.after) == ("text-landscape", before, "")
    assert entry.reason == "the case was deleted"
    capsys.readouterr()
    assert run(["goldens", "verify", "--digests-only"]) == 0
    assert "orphans" not in capsys.readouterr().out
    assert run(["goldens", "prune"]) == 0, "there is nothing left to remove"
    assert len(list((place / "goldens" / "tiny").glob("*/manifest.json"))) == 10
