"""What `sdqa ci gate` is held against: this checkout, this commit, this plan, this base."""

from __future__ import annotations

import json

import pytest

from sdqa.bundle import Bundle
from sdqa.cli import run as sdqa
from tests.ci import honest
from tests.ci.gated_place import Place, agreed, said

OWNED = "detected dubious ownership in repository"
"""What git says of a folder of another user."""


def test_a_bundle_that_is_older_than_its_commit(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    told = dict.fromkeys(("started", "ended"), "2020-01-01T00:00:00+00:00")
    place.send("linux", honest.with_origin(honest.linux(created="2020-01-01T00:00:00+00:00"), **told))
    place.send("mac", honest.mac())
    assert place.gate("--expect-commit", place.commit) == 4
    assert "it began before its commit was made" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("how", ["no git", "broken", "no repository", "another owner"])
def test_a_checkout_that_nobody_can_verify(
    place: Place, how: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place.send_all()
    if how == "no git":
        monkeypatch.setenv("PATH", str(place.root / "nothing"))
    elif how == "broken":
        monkeypatch.setenv("GIT_DIR", str(place.root / "nothing"))
    elif how == "another owner":
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    else:
        (place.suite.parent / ".git").rename(place.root / "elsewhere")
    assert place.gate("--expect-commit", place.commit) == 4
    said = " ".join(capsys.readouterr().out.split())  # lines of the terminal's width
    assert f"nobody can tell that it is of commit {place.commit[:12]}: " in said
    words = {"no git": "git cannot be asked", "another owner": OWNED}.get(how, "not a git repository")
    assert words in said
    assert "git config --global --add safe.directory" in said
    assert place.gate() == 4, "whoever does not say which commit is to be proved is told the same"
    said = " ".join(capsys.readouterr().out.split())
    assert "nobody can tell that it is of commit nobody knows which: " in said
    assert words in said


def test_a_folder_of_another_user_is_named_wherever_git_is_asked(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place.send_all()
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert sdqa(["judge-diff", "HEAD"]) == 2
    said = capsys.readouterr().err
    assert f"git does not say what 'HEAD' is: fatal: {OWNED}" in said
    assert "git config --global --add safe.directory" in said
    assert sdqa(["ci", "plan", "--output", str(place.root / "plan.json")]) == 0
    assert f"no gate will take it: fatal: {OWNED}" in capsys.readouterr().err
    assert sdqa(["ci", "plan", "--changed-since", "HEAD", "--output", str(place.root / "plan.json")]) == 0
    found = capsys.readouterr().out
    assert (
        f"3 of 3 lanes are affected since HEAD (0 changed files): the base cannot be compared: git says: fatal: {OWNED}"
        in found
    )
    told = ("--expect-commit", place.commit, "--base", place.commit)
    assert place.gate(*told) == 4
    said = " ".join(capsys.readouterr().out.split())
    assert f"git does not say what '{place.commit}' is: fatal: {OWNED}" in said
    monkeypatch.setenv("GITHUB_EVENT_NAME", "push")
    assert place.gate(*told) == 4
    said_in = place.output.read_text(encoding="utf-8")
    assert f"judge=judge not compared: git does not say what was there before this push: fatal: {OWNED}" in said_in


def test_bundles_of_the_commit_before(place: Place) -> None:
    place.send_all()
    place.commit_all("second")
    assert place.gate() == 4
    assert "another commit" in place.summary.read_text(encoding="utf-8")


def test_another_commit_is_expected_than_the_one_that_is_checked_out(place: Place) -> None:
    place.send_all()
    assert place.gate("--expect-commit", "0" * 40) == 4


def test_a_commit_may_be_written_in_capitals(place: Place) -> None:
    place.send_all()
    assert place.gate("--expect-commit", f" {place.commit.upper()}\n") == 0


@pytest.mark.parametrize("name", ["HEAD", "main", "0" * 39, "0" * 41, "g" * 40])
def test_a_part_of_a_commits_name_is_refused_in_words(
    place: Place, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place.send_all()
    for verb in (["gate", str(place.root / "bundles"), "--expect-commit"], ["plan", "--commit"]):
        assert sdqa(["ci", *verb, name]) == 2
        said = capsys.readouterr().err
        assert f"{verb[-1]} {name!r} is not the whole name of a commit" in said
        assert "git rev-parse HEAD" in said


def test_a_plan_of_record_of_this_checkout_is_accepted_and_any_other_is_not(place: Place) -> None:
    place.send_all()
    path = place.root / "plan.json"
    assert sdqa(["ci", "plan", "--output", str(path)]) == 0
    assert place.gate("--plan", str(path)) == 0
    data = json.loads(path.read_text(encoding="utf-8"))
    for key, value in (("judge_digest", "0" * 64), ("commit", "0" * 40), ("units", data["units"][:2])):
        path.write_text(json.dumps({**data, key: value}), encoding="utf-8")
        assert place.gate("--plan", str(path)) == 4, key
    path.write_text("{", encoding="utf-8")
    assert place.gate("--plan", str(path)) == 4


def test_limits_that_are_a_billion_times_wider_are_the_first_thing_said(place: Place) -> None:
    wide = honest.SUITE.replace("lpips = 0.1\n", "lpips = 1e8\n").replace("psnr = 30.0", "psnr = 3e-8")
    place.suite.write_text(wide, encoding="utf-8")
    place.commit_all("wide")
    place.send_all()
    assert place.gate() == 0, "without a base nobody can know"
    said(place, "judge not compared: no base was given: --base")
    assert place.gate("--base", "HEAD^1") == 1
    agreed(place, 1, "judge changed", "Judge changed")
    lines = Bundle(place.root / "report").folder.joinpath("summary.md").read_text(encoding="utf-8").splitlines()
    assert lines[2].startswith("This change loosens the judge")
    assert lines[4] == "### The judge changed"
    assert sdqa(["judge-diff", "HEAD^1", "--record", "--reason", "a new metric network"]) == 0
    place.commit_all("said why")
    place.send_all()
    assert place.gate("--base", "HEAD^2") == 4, "no such revision"
    assert place.gate("--base", "HEAD~2") == 0
    assert "a new metric network" in place.summary.read_text(encoding="utf-8")


def test_lanes_and_cases_deleted_are_named(place: Place) -> None:
    fewer = honest.SUITE.replace('variants = ["fp16", "small"]', 'variants = ["fp16"]').replace(
        '[cases.dog]\nprompt = "a dog"\n', ""
    )
    place.suite.write_text(fewer, encoding="utf-8")
    place.commit_all("fewer")
    assert sdqa(["judge-diff", "HEAD^1", "--json"]) == 1
    assert place.gate("--base", "HEAD^1") == 1
    text = place.summary.read_text(encoding="utf-8")
    assert "tiny/small | removed" in text
    assert "dog | removed" in text


def test_a_checkout_of_another_commit_judges_nothing(place: Place) -> None:
    place.send_all()
    claimed = place.commit
    place.commit_all("second")
    assert place.gate("--expect-commit", claimed) == 4
    [found] = [one.message for one in Bundle(place.root / "report").read().failures if one.where == "checkout"]
    assert claimed[:12] in found


def test_a_checkout_with_changed_files_judges_nothing(place: Place) -> None:
    place.send_all()
    place.suite.write_text(f"{honest.SUITE}\n# only a remark\n", encoding="utf-8")
    assert place.gate("--expect-commit", place.commit) == 4
    assert "its files were changed since the commit" in {
        one.message for one in Bundle(place.root / "report").read().failures
    }


def test_a_base_that_there_is_not_is_said_in_words(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place.send_all()
    monkeypatch.setenv("GITHUB_EVENT_NAME", "push")
    assert place.gate("--base", "0" * 40) == 0
    said(place, "judge not compared: the branch is new, nothing was there before")
    assert place.gate("--base", "ab" * 20) == 0, "the commit before a push may be gone"
    assert "judge not compared: what was there before this push, abababababab" in capsys.readouterr().out
    monkeypatch.setenv("GITHUB_EVENT_NAME", "merge_group")
    assert place.gate("--base", "ab" * 20) == 4, "a merge group is held against its base"
    assert place.gate("--base", place.commit) == 0
    said(place, f"judge compared with {place.commit[:12]}")


def test_another_suite_in_the_place_of_the_bases_is_a_verdict_of_its_own(place: Place) -> None:
    place.suite.unlink()
    place.suite = place.suite.with_name("other.toml")
    other = honest.SUITE.replace('name = "small"', 'name = "another"').replace('"embedded:tiny"', '"random:miniature"')
    place.suite.write_text(other.replace('goldens = "goldens"', 'goldens = "elsewhere"'), encoding="utf-8")
    place.commit_all("another")
    suite = ("--suite", str(place.suite))
    assert place.gate(*suite, "--base", "HEAD^1") == 1
    assert place.outputs()["verdict"] == "judge not comparable"
    lines = (place.root / "report" / "summary.md").read_text(encoding="utf-8").splitlines()
    assert lines[0].endswith("Judge not comparable")
    assert lines[2].startswith("The judge cannot be compared: the base has sdqa.toml")
    assert sdqa(["judge-diff", "HEAD^1", *suite, "--record", "--reason", "a new model"]) == 0
    place.commit_all("said why")
    assert place.gate(*suite, "--base", "HEAD~2") == 4, "only the evidence is missing now"
    assert "nobody recorded why" not in place.summary.read_text(encoding="utf-8").rpartition("## ")[2]
