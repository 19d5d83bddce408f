"""Where a run comes from, in the words of each service, and as harmless text."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdqa.bundle.provenance import provenance, work_tree

SHA = "0123456789abcdef0123456789abcdef01234567"
GITHUB = {
    "GITHUB_REPOSITORY": "o/r", "GITHUB_SHA": SHA, "GITHUB_REF_NAME": "7/merge", "GITHUB_HEAD_REF": "topic",
    "GITHUB_BASE_REF": "main", "GITHUB_RUN_ID": "123", "GITHUB_RUN_ATTEMPT": "2", "GITHUB_JOB": "lanes",
    "RUNNER_OS": "macOS", "RUNNER_ARCH": "ARM64", "SDQA_LABELS": "sdqa-ane, m4",
}  # fmt: skip


def of(folder: Path, variables: dict[str, str], **more: object) -> dict[str, object]:
    found = provenance(folder, started="2026-01-01T00:00:00+00:00", environment=variables, **more)  # type: ignore[arg-type]
    return found.model_dump()


def test_github(tmp_path: Path) -> None:
    found = of(tmp_path, GITHUB)
    assert {key: found[key] for key in ("repository", "commit", "base", "ref", "run_id", "attempt", "job")} == {
        "repository": "o/r",
        "commit": SHA,
        "base": "main",
        "ref": "topic",
        "run_id": "123",
        "attempt": 2,
        "job": "lanes",
    }
    assert found["labels"] == ("macOS", "ARM64", "sdqa-ane", "m4")
    assert found["started"]
    assert found["ended"]


@pytest.mark.parametrize("name", ["CI_COMMIT_SHA", "BUILDKITE_COMMIT", "CIRCLE_SHA1", "GIT_COMMIT"])
def test_other_services_name_the_commit_too(tmp_path: Path, name: str) -> None:
    assert of(tmp_path, {name: SHA})["commit"] == SHA


@pytest.mark.parametrize("commit", ["main", SHA[:12], "<script>", SHA + "0", "z" * 40])
def test_what_is_no_whole_commit_is_none(tmp_path: Path, commit: str) -> None:
    assert of(tmp_path, {"GITHUB_SHA": commit})["commit"] == ""


def test_what_is_checked_out_counts_and_not_what_the_service_says() -> None:
    here = Path(__file__).parents[2]
    commit, _ = work_tree(here)
    assert len(commit) == 40
    assert of(here, GITHUB)["commit"] == commit


@pytest.mark.parametrize("attempt", ["", "x", "-1", "0", "1e9", "9" * 30])
def test_an_attempt_that_is_no_number_is_the_first(tmp_path: Path, attempt: str) -> None:
    assert of(tmp_path, {"GITHUB_RUN_ATTEMPT": attempt})["attempt"] == 1


def test_texts_are_cut_and_freed_of_controls(tmp_path: Path) -> None:
    found = of(tmp_path, {"GITHUB_JOB": "a\x1b[31m\n\u202eb" + "x" * 500, "SDQA_LABELS": ",".join(map(str, range(99)))})
    assert str(found["job"]).startswith("a [31m b")
    assert len(str(found["job"])) == 200
    assert len(found["labels"]) == 32  # type: ignore[arg-type]


def test_the_machine_is_named_by_what_it_is_and_by_its_runner(tmp_path: Path) -> None:
    one, other = of(tmp_path, {"RUNNER_NAME": "mini-1"}), of(tmp_path, {"RUNNER_NAME": "mini-2"})
    assert one["machine"] != other["machine"]
    assert one["machine"] == of(tmp_path, {"RUNNER_NAME": "mini-1"})["machine"]
