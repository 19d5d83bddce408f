"""A history on an orphan branch: two writers at once, with and without a remote; nothing else moves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sdqa.errors import HistoryError
from sdqa.history import add_records, read_history
from sdqa.history.branch import HistoryBranch
from sdqa.history.places import HistoryFolder
from sdqa.history.writing import merge_places
from tests.history.records import record_at

BRANCH = "sdqa-history"
WRITER = """
import sys
from pathlib import Path
from sdqa.history import add_records
from sdqa.history.branch import HistoryBranch
from tests.history.records import record_at
place = HistoryBranch("sdqa-history", Path(sys.argv[1]))
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    add_records(place, [record_at(number)])
"""


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "file").write_text("x")
    git(folder, "add", "file")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def write_at_once(places: list[Path], each: int) -> None:
    root = Path(__file__).parents[2]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(place), str(number * each), str((number + 1) * each)],
            env={**os.environ, "PYTHONPATH": str(root)},
            cwd=root,
        )
        for number, place in enumerate(places)
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * len(places)


def test_records_are_commits_of_an_orphan_branch(repository: Path) -> None:
    place, before = HistoryBranch(BRANCH, repository), git(repository, "rev-parse", "HEAD")
    assert place.names() == []
    assert add_records(place, [record_at(0), record_at(1)]) == 2
    assert add_records(place, [record_at(1), record_at(2)]) == 1
    assert add_records(place, [record_at(2)]) == 0
    assert git(repository, "rev-list", "--count", BRANCH) == "2"
    assert git(repository, "rev-parse", "HEAD") == before
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "for-each-ref", "refs/sdqa") == ""
    assert subprocess.run(["git", "-C", str(repository), "merge-base", "main", BRANCH], check=False).returncode == 1
    found = [one for _, one in place.read(place.names())]
    assert [type(one) for one in found] == [bytes] * 3


def test_a_branch_and_a_folder_hold_the_same_bytes(repository: Path, tmp_path: Path) -> None:
    folder, branch = HistoryFolder(tmp_path / "folder"), HistoryBranch(BRANCH, repository)
    add_records(folder, [record_at(number) for number in range(120)])  # more than fast-import leaves unpacked
    assert merge_places(branch, [folder]).added == 120
    assert merge_places(branch, [folder]).added == 0
    assert dict(branch.read(branch.names())) == dict(folder.read(folder.names()))


def test_two_writers_at_once_lose_nothing(repository: Path) -> None:
    write_at_once([repository, repository], 4)
    place = HistoryBranch(BRANCH, repository)
    assert len(place.names()) == 8
    assert git(repository, "rev-list", "--count", BRANCH) == "8"


def test_two_clones_at_once_push_fast_forwards(repository: Path, tmp_path: Path) -> None:
    remote = tmp_path / "remote.git"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(remote))
    clones = [tmp_path / name for name in ("one", "two")]
    for clone in clones:
        git(tmp_path, "clone", "-q", str(remote), str(clone))
    write_at_once(clones, 3)
    git(tmp_path, "clone", "-q", "--depth", "1", remote.as_uri(), str(tmp_path / "reader"))
    reader = HistoryBranch(BRANCH, tmp_path / "reader")  # a shallow clone that never saw the branch, as a CI job has
    assert len(reader.names()) == 6
    assert git(remote, "rev-list", "--count", BRANCH) == "6"
    assert add_records(reader, [record_at(9)]) == 1
    assert len(HistoryBranch(BRANCH, clones[0]).names()) == 7


def test_a_remote_that_refuses_is_one_message(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sdqa.history.branch.ATTEMPTS", 2)
    monkeypatch.setattr("sdqa.history.branch.WAIT_S", 0.0)
    remote = tmp_path / "remote.git"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(remote))
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho protected branch >&2\nexit 1\n")
    hook.chmod(0o755)
    git(repository, "remote", "add", "origin", str(remote))
    with pytest.raises(HistoryError, match=r"protected branch|pre-receive hook declined") as caught:
        add_records(HistoryBranch(BRANCH, repository), [record_at(1)])
    assert "give the job permission" in str(caught.value)


@pytest.mark.parametrize("name", ["", "-x", "a b", "a..b", "--upload-pack=x", "@{-1}", "a\nb"])
def test_what_is_no_branch_is_refused(repository: Path, name: str) -> None:
    with pytest.raises(HistoryError, match="no name of a branch"):
        HistoryBranch(name, repository)


def test_without_a_repository_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(HistoryError, match="no git repository"):
        HistoryBranch(BRANCH, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert read_history(f"git:{BRANCH}").unread == 1
