"""Which suite of the base a suite was: renamed, moved, exchanged, copied; and a base that has none."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sdqa.bundle import JudgeChange
from sdqa.ci.comparison import compared
from sdqa.ci.judge_diff import is_silent, record_reason
from sdqa.plan import Plan, load_suite, make_plan
from sdqa.workflow.gate import RULES
from tests.ci import honest

LAX = honest.SUITE.replace("lpips = 0.1", "lpips = 1e9")
OTHER = (
    honest.SUITE.replace('name = "small"', 'name = "another"')
    .replace('goldens = "goldens"', 'goldens = "elsewhere"')
    .replace("embedded:tiny", "random:miniature")
)


def git(folder: Path, *arguments: str) -> None:
    command = ["git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=e@example.org", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(command, check=True, capture_output=True, env=environment)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose only commit has a suite, and what is no suite."""
    (tmp_path / "sdqa.toml").write_text(honest.SUITE, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    (tmp_path / "broken.toml").write_text("[models", encoding="utf-8")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "one")
    return tmp_path


def plan_of(path: Path) -> Plan:
    return make_plan(load_suite(path), path, platform="linux")


def suite_at(repository: Path, name: str, text: str, *, instead: bool = True) -> Path:
    if instead:
        (repository / "sdqa.toml").unlink()
    path = repository / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def changes(path: Path) -> tuple[JudgeChange, ...]:
    return compared("HEAD", plan_of(path), RULES)


@pytest.mark.parametrize("name", ["quality.toml", "checks/sdqa.toml"])
def test_a_renamed_suite_is_followed_and_its_loosening_seen(repository: Path, name: str) -> None:
    path = suite_at(repository, name, LAX)
    found = changes(path)
    assert "was sdqa.toml in the base" in found[0].what.replace("../", "")
    assert {one.subject for one in found if one.looser} == {"tiny/fp16/lpips", "tiny/small/lpips"}
    assert is_silent(found)
    path.write_text(honest.SUITE, encoding="utf-8")
    assert [one for one in changes(path) if one.looser] == []


def test_a_suite_that_was_renamed_in_file_and_name_is_known_by_its_goldens(repository: Path) -> None:
    found = changes(suite_at(repository, "q.toml", LAX.replace('name = "small"', 'name = "q"')))
    assert is_silent(found)
    assert "limit" in {one.kind for one in found if one.looser}


def test_a_suite_that_lies_elsewhere_with_its_goldens_is_known_by_models_and_cases(repository: Path) -> None:
    text = LAX.replace('name = "small"', 'name = "q"').replace('goldens = "goldens"', 'goldens = "g"')
    assert "limit" in {one.kind for one in changes(suite_at(repository, "q.toml", text)) if one.looser}


def test_a_copy_with_fewer_questions_beside_the_suite_is_held_against_it(repository: Path) -> None:
    path = suite_at(repository, "quick.toml", LAX, instead=False)
    assert is_silent(changes(path))


def test_one_that_is_gone_comes_before_one_that_stays(repository: Path) -> None:
    suite_at(repository, "strict.toml", honest.SUITE.replace("lpips = 0.1", "lpips = 0.01"), instead=False)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "two")
    (repository / "strict.toml").unlink()
    found = changes(suite_at(repository, "new.toml", honest.SUITE, instead=False))
    assert found[0].what == "was strict.toml in the base"
    assert is_silent(found)


def test_another_suite_in_its_place_cannot_be_compared_until_somebody_says_why(repository: Path) -> None:
    path = suite_at(repository, "other.toml", OTHER)
    [found] = changes(path)
    assert (found.kind, found.looser, found.recorded) == ("suite", True, "")
    assert "the judge cannot be compared: the base has sdqa.toml" in found.what
    record_reason(plan_of(path), [found], "the model is another now")
    assert [one.recorded for one in changes(path)] == ["the model is another now"]
    path.write_text(OTHER.replace("lpips = 0.1", "lpips = 0.2"), encoding="utf-8")
    assert is_silent(changes(path)), "the reason holds for exactly the judge that it was recorded for"


def test_a_reason_that_the_base_has_already_excuses_nothing(repository: Path) -> None:
    path = suite_at(repository, "other.toml", OTHER)
    record_reason(plan_of(path), changes(path), "once")
    path.unlink()
    git(repository, "checkout", "-q", "--", "sdqa.toml")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "a log alone")
    assert is_silent(changes(suite_at(repository, "other.toml", OTHER)))


def test_a_base_without_any_suite_says_that_it_is_new(repository: Path) -> None:
    git(repository, "rm", "-q", "sdqa.toml")
    git(repository, "commit", "-q", "-m", "none")
    [found] = changes(suite_at(repository, "sdqa.toml", honest.SUITE, instead=False))
    assert (found.what, found.looser) == ("is new", False)


def test_folders_are_followed_in_the_same_way(tmp_path: Path) -> None:
    for name, file, text in (("base", "sdqa.toml", honest.SUITE), ("head", "q.toml", LAX)):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(text, encoding="utf-8")
    assert is_silent(compared(str(tmp_path / "base"), plan_of(tmp_path / "head" / "q.toml"), RULES))


def test_a_suite_of_the_base_that_cannot_be_read_is_no_predecessor_and_no_nothing(repository: Path) -> None:
    (repository / "sdqa.toml").write_text(honest.SUITE + "strange = 1\n[more]\n", encoding="utf-8")
    git(repository, "commit", "-q", "-am", "two")
    [found] = changes(suite_at(repository, "q.toml", honest.SUITE))
    assert found.looser
    assert "cannot be compared" in found.what
