"""The repository's doctor: each way to a check that means nothing is named, with what mends it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdqa import __version__ as version
from sdqa.ci.doctor import Symptom, examine_repository, symptom_lines
from sdqa.ci.scaffold import Service, starting_files, write_file
from sdqa.ci.workflows import gate_jobs
from sdqa.cli import run as sdqa
from sdqa.errors import GoldenMissing
from sdqa.plan import load_suite, make_plan
from sdqa.workflow.gate import RULES
from tests.ci import honest

ROOT = Path(__file__).parents[2]


def looked_over(root: Path, text: str = honest.SUITE, reach: object = None) -> tuple[Symptom, ...]:
    (root / "sdqa.toml").write_text(text, encoding="utf-8")
    plan = make_plan(load_suite(root / "sdqa.toml"), root / "sdqa.toml")
    return examine_repository(root, plan, RULES.limits, reach=lambda *_: None, place="somewhere")


def failing(found: tuple[Symptom, ...], *, of: str = "quality.yml") -> list[str]:
    return [one.found for one in found if one.grade == "fail" and of in one.subject]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """As `sdqa init --ci github` leaves it."""
    for file in starting_files("github", honest.plan(), owners="@judges"):
        write_file(tmp_path, file)
    return tmp_path


def workflow(root: Path) -> Path:
    return root / ".github" / "workflows" / "quality.yml"


def changed(root: Path, before: str, after: str) -> None:
    path = workflow(root)
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_what_init_writes_is_sound(repository: Path) -> None:
    found = looked_over(repository)
    assert failing(found) == []
    assert [one.subject for one in found if one.grade == "warn" and "quality.yml" in one.subject] == []
    assert any(one.grade == "ok" and "require the check 'gate'" in one.found for one in found)
    assert {one.subject for one in found if one.grade == "ok"} >= {".gitignore", "CODEOWNERS", "limits"}


def test_a_caller_is_sound_too_and_its_check_has_two_names(tmp_path: Path) -> None:
    for file in starting_files("github", honest.plan(), repository="somebody/sdqa"):
        write_file(tmp_path, file)
    [job] = gate_jobs(tmp_path)[0]
    assert job.check == "quality / gate"
    assert failing(looked_over(tmp_path)) == []


def test_without_a_workflow_nothing_decides(tmp_path: Path) -> None:
    found = looked_over(tmp_path)
    assert [one.mend for one in found if one.subject == "gate"] == ["sdqa init --ci github"]


@pytest.mark.parametrize("service", ["gitlab", "buildkite", "jenkins", "shell"])
def test_what_init_writes_for_another_service_is_sound_too(service: Service, tmp_path: Path) -> None:
    for file in starting_files(service, honest.plan(), owners="@judges"):
        write_file(tmp_path, file)
    found = looked_over(tmp_path)
    name = starting_files(service, honest.plan())[0].path
    assert [(one.subject, one.mend) for one in found if one.grade != "ok" and one.subject in ("gate", name)] == []
    [gate] = [one for one in found if one.subject == name]
    assert "whether it is required no file says" in gate.found
    assert gate.mend
    assert "CODEOWNERS" in {one.subject for one in found if one.grade == "ok"}
    text = (tmp_path / name).read_text(encoding="utf-8")
    if service != "shell":  # which installs nothing
        (tmp_path / name).write_text(text.replace(f"sdqa=={version}", "sdqa==0.0.1"), encoding="utf-8")
        warned = [one.found for one in looked_over(tmp_path) if one.subject == name and one.grade == "warn"]
        assert warned == [f"it installs sdqa 0.0.1, here is {version}"]
    (tmp_path / name).write_text(text.replace("sdqa ci", "echo ci"), encoding="utf-8")
    assert [one.subject for one in looked_over(tmp_path) if one.grade == "fail" and one.subject == "gate"] == ["gate"]


def test_what_mends_names_the_service_that_is_there(tmp_path: Path) -> None:
    for file in starting_files("gitlab", honest.plan()):
        write_file(tmp_path, file)
    assert [one.mend for one in looked_over(tmp_path) if one.subject == "CODEOWNERS"] == [
        "sdqa init --ci gitlab --owners @NAME"
    ]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("  pull_request:\n", '  pull_request:\n    paths: ["**.py"]\n', "`paths` leaves pull requests without it"),
        ("    if: always()\n    needs: [plan, lanes]\n", "    needs: [plan, lanes]\n", "a skipped check passes"),
        ("    if: always()\n    needs", "    if: success()\n    needs", "a skipped check passes"),
        ("    if: always()\n    needs", "    if: always()\n    continue-on-error: true\n    needs", "makes it green"),
        ("  pull_request:\n", "  pull_request:\n  pull_request_target:\n", "a stranger's code with this repository's"),
    ],
)
def test_ways_around_the_check_fail(repository: Path, before: str, after: str, said: str) -> None:
    changed(repository, before, after)
    assert [one for one in failing(looked_over(repository)) if said in one]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("  merge_group:\n", "", "a merge queue would wait"),
        ("          fetch-depth: 0\n", "", "the base is not fetched"),
        ("SDQA: sdqa==", "SDQA: sdqa==9", "it installs sdqa 9"),
    ],
)
def test_what_weakens_it_is_a_warning(repository: Path, before: str, after: str, said: str) -> None:
    changed(repository, before, after)
    found = looked_over(repository)
    assert failing(found) == []
    assert [one for one in found if one.grade == "warn" and said in one.found and one.mend]


def test_nothing_before_the_merge_is_a_failure(repository: Path) -> None:
    changed(repository, "  pull_request:\n", "")
    assert [one for one in looked_over(repository) if one.subject == "events" and one.grade == "fail"]


@pytest.mark.parametrize("content", ["a: [", "- 1", "x" * (2**20 + 1), "jobs: 3\n"], ids=range(4))
def test_files_that_cannot_be_read_are_named(repository: Path, content: str) -> None:
    (repository / ".github" / "workflows" / "other.yml").write_text(content, encoding="utf-8")
    assert [one for one in looked_over(repository) if one.subject == "other.yml" and one.grade == "fail"]


def test_goldens_that_are_not_there_are_a_failure(repository: Path) -> None:
    [one] = [one for one in looked_over(repository) if one.subject == "goldens"]
    assert one.grade == "fail"
    assert "tiny/cat" in one.found


def test_lanes_without_limits_are_named(repository: Path) -> None:
    text = honest.SUITE.replace("[limits]", "[nothing]").partition("[nothing]")
    suite = text[0] + text[2].partition("parity_psnr = 40.0\n")[2]
    found = looked_over(repository, suite)
    assert {one.subject for one in found if "judged provisionally" in one.found} >= {"tiny/fp16", "tiny/small"}


def test_a_place_that_gives_nothing_is_a_failure(tmp_path: Path) -> None:
    import shutil

    shutil.copytree(ROOT / "goldens", tmp_path / "goldens")
    path = next((tmp_path / "goldens" / "tiny").glob("*/manifest.json"))
    data = json.loads(path.read_text(encoding="utf-8"))
    next(iter(data["files"].values()))["place"] = "warehouse"
    path.write_text(json.dumps(data), encoding="utf-8")
    shutil.copy(ROOT / "sdqa.toml", tmp_path)
    plan = make_plan(load_suite(tmp_path / "sdqa.toml"), tmp_path / "sdqa.toml")

    def refuse(place: str, digest: str, size: int) -> bytes:
        raise GoldenMissing(f"{place} cannot be reached")

    found = examine_repository(tmp_path, plan, RULES.limits, reach=refuse, place="s3://nobody")
    assert [one.grade for one in found if one.subject == "goldens' place"] == ["fail"]
    found = examine_repository(tmp_path, plan, RULES.limits, reach=lambda *_: b"", place="s3://nobody")
    assert [one.grade for one in found if one.subject == "goldens' place"] == ["ok"]


def test_this_repository_is_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert sdqa(["ci", "doctor", str(ROOT), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one for one in found if one["grade"] == "fail"] == []


def test_the_worst_comes_first_with_what_mends_it() -> None:
    lines = symptom_lines([Symptom("ok", "a", "b"), Symptom("fail", "c", "d", "mend it")])
    assert lines == ["fail  c: d", "      → mend it", "ok    a: b"]
