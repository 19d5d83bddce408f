"""Who may have a job run on a machine of one's own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sdqa.runner import pre_job, texts

OWN = "somebody/models"


def environment(folder: Path, event: str, payload: Any = None) -> dict[str, str]:
    path = folder / "event.json"
    path.write_text(payload if isinstance(payload, str) else json.dumps(payload))
    return {"GITHUB_EVENT_NAME": event, "GITHUB_REPOSITORY": OWN, "GITHUB_EVENT_PATH": str(path)}


def pull(head: Any, base: Any = OWN) -> dict[str, Any]:
    sides = {"head": head, "base": base}
    return {
        "pull_request": {side: {"repo": None if name is None else {"full_name": name}} for side, name in sides.items()}
    }


@pytest.mark.parametrize("event", ["push", "schedule", "workflow_dispatch", "merge_group", "release"])
def test_what_only_writers_cause_is_run(tmp_path: Path, event: str) -> None:
    assert pre_job.refusal(environment(tmp_path, event)) == ""


def test_a_pull_request_of_the_repository_itself_is_run(tmp_path: Path) -> None:
    assert pre_job.refusal(environment(tmp_path, "pull_request", pull("Somebody/Models"))) == ""


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("pull_request", pull("stranger/models")),
        ("pull_request", pull(None)),
        ("pull_request", pull("stranger/models", "stranger/models")),
        ("pull_request", pull(["somebody/models"])),
        ("pull_request", {}),
        ("pull_request", []),
        ("pull_request", "{"),
        ("pull_request_target", pull(OWN)),
        ("workflow_run", {}),
        ("issue_comment", {}),
        ("", {}),
        ("something_new", {}),
    ],
)
def test_everything_else_is_refused(tmp_path: Path, event: str, payload: Any) -> None:
    assert pre_job.refusal(environment(tmp_path, event, payload))


def test_an_event_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert pre_job.refusal({**environment(tmp_path, "pull_request"), "GITHUB_EVENT_PATH": str(tmp_path / "no")})
    assert pre_job.refusal({})


def test_the_hook_alone_says_it_with_its_exit_code(tmp_path: Path) -> None:
    """As GitHub's runner executes it: from another folder, with nothing of this package to import."""
    hook = tmp_path / "a folder" / "pre-job.sh"
    hook.parent.mkdir()
    hook.write_text(texts.hook())
    hook.with_name("pre_job.py").write_text(texts.hook_program())
    (tmp_path / "json.py").write_text("raise SystemExit(0)")  # a job's folder cannot stand in for the library
    for event, code in (("push", 0), ("pull_request_target", 1)):
        done = subprocess.run(
            ["bash", "-e", str(hook)],
            env={**environment(tmp_path, event, {}), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code
        assert ("::error" in done.stdout) == bool(code)
    assert sys.executable in texts.hook()
