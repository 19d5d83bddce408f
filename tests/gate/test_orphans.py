"""A case deleted leaves a golden behind: it is named by plan, qa and verify, and removed with a reason."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sdqa.cli import run
from sdqa.gate.audit import broken_links, read_audit
from sdqa.gate.manifest import read_manifest
from sdqa.gate.orphans import orphans, prune
from sdqa.plan import load_suite, make_plan

ROOT = Path(__file__).parents[2]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's suite without its last case, beside all goldens."""
    head, _, _ = (ROOT / "sdqa.toml").read_text(encoding="utf-8").rpartition("[cases.text-landscape]")
    (tmp_path / "sdqa.toml").write_text(head, encoding="utf-8")
    shutil.copytree(ROOT / "goldens", tmp_path / "goldens", ignore=shutil.ignore_patterns("baselines"))
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


def only_text(place: Path) -> None:
    """A second suite that uses the same goldens, for one case."""
    text = (ROOT / "sdqa.toml").read_text(encoding="utf-8")
    head, _, rest = text.partition("[cases.")
    last = rest.rpartition("[cases.")[2]
    (place / "text.toml").write_text(f"{head}[cases.{last}", encoding="utf-8")


def test_a_suite_beside_it_that_uses_the_folder_asks_for_goldens_too(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    only_text(place)
    assert run(["plan"]) == 0
    assert "orphans" not in capsys.readouterr().out
    (place / "text.toml").write_text((place / "text.toml").read_text("utf-8") + "\n[strange]\n", encoding="utf-8")
    assert run(["plan"]) == 0
    assert "tiny/text-landscape" in capsys.readouterr().out, "what cannot be read asks for nothing"
    assert run(["goldens", "prune", "--reason", "r"]) == 2, "and nothing is removed while nobody knows"
    assert (place / "goldens" / "tiny" / "text-landscape").exists()


def test_a_model_that_left_the_suite_leaves_orphans_of_every_kind(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    goldens = place / "goldens"
    (goldens / "tiny").rename(goldens / "other")
    baselines = goldens / "other" / "baselines" / "fp16@reference"
    (baselines / "a").mkdir(parents=True)
    (baselines / "a" / "image.png").touch()
    (goldens / "tiny" / "baselines" / "old@reference" / "portrait-hat").mkdir(parents=True)
    (goldens / "tiny" / "baselines" / "old@reference" / "portrait-hat" / "manifest.json").write_text("{")
    plan = make_plan(load_suite(Path("sdqa.toml")), Path("sdqa.toml"))
    found = orphans(plan)
    assert {one.kind for one in found} == {"golden", "baseline", "tolerances"}
    assert {one.subject for one in found if one.kind != "golden"} == {
        "other/baselines/fp16@reference/a",
        "other/tolerances",
        "tiny/baselines/old@reference/portrait-hat",
    }
    assert sum(one.kind == "golden" for one in found) == 11
    assert run(["plan"]) == 0
    assert "14 references that no model, lane or case asks for" in capsys.readouterr().out
    assert run(["goldens", "prune", "--reason", "the model left"]) == 0
    assert orphans(plan) == ()
    assert {path.name for path in (goldens / "other").rglob("*") if path.is_file()} == {"audit.jsonl"}
    assert broken_links(goldens / "other") == []
    assert {entry.subject for entry in read_audit(goldens / "other")[-13:]} >= {
        "tolerances",
        "baselines/fp16@reference/a",
    }


def test_goldens_that_are_drawn_in_the_same_run_leave_none(place: Path) -> None:
    text = (place / "sdqa.toml").read_text(encoding="utf-8")
    (place / "sdqa.toml").write_text(f'goldens = "teacher"\n{text}', encoding="utf-8")
    plan = make_plan(load_suite(Path("sdqa.toml")), Path("sdqa.toml"))
    assert orphans(plan) == prune(plan, "") == ()
