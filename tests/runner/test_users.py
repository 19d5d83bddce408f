"""A runner of another user: the job is theirs, and what decides over it is not."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdqa.cli import run
from sdqa.errors import EXIT_PASS
from sdqa.runner import setup
from tests.runner.conftest import TOKEN
from tests.runner.github import SCOPE, FakeGitHub
from tests.runner.machine import Machine, packed

OTHER = "nobody"
JOB = b"""#!/bin/sh
{
    id -u
    for path in ../../../life.sh ../../../hooks/pre-job.sh ../../../application/run.sh ../../../state.json; do
        test -f "$path" && (echo x >> "$path") 2>/dev/null && echo "wrote $path"
        mv "$path" "$path.mine" 2>/dev/null && echo "moved $path"
    done
    env
} > ../../said
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user can look into, as pytest's own cannot be."""
    folder = Path(tempfile.mkdtemp(prefix="sdqa-runner-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sets up for another user")
def test_a_job_runs_as_its_user_and_changes_nothing_that_decides_over_it(
    machine: Machine, github: FakeGitHub, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = open_folder / "runner.tar.gz"
    archive.write_bytes(packed(("run.sh", JOB, 0o755)))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    root = open_folder / "root"
    where = ["--scope", SCOPE, "--name", "desk", "--root", str(root), "--user", OTHER, "--service", "foreground"]
    monkeypatch.setattr(setup, "check_user", lambda user: None)
    assert run(["runner", "setup", *where, "--archive", str(archive), "--sha256", digest, "--lives", "1"]) == EXIT_PASS
    said = (root / "work" / "said").read_text().splitlines()
    assert said[0] == str(pwd.getpwnam(OTHER).pw_uid)
    assert [line for line in said if line.startswith(("wrote", "moved"))] == []
    assert TOKEN not in "\n".join(said)
    assert f"HOME={root}/work/life/home" in said
    assert not (root / "work" / "life").exists()
    assert github.runners == {}  # the loop took back what its job did not use
    assert run(["runner", "remove", "--root", str(root), "--user", OTHER]) == EXIT_PASS
    assert not root.exists()
