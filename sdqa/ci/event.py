"""What a CI service says of the event that started a run: which commit a change is to be held against."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PULL_REQUEST = "pull_request"
MAX_EVENT_BYTES = 25 * 2**20
GIT_SECONDS = 20
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
GITLAB_BASE = ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "CI_COMMIT_BEFORE_SHA")


def base_of_event(environment: Mapping[str, str] | None = None, folder: Path | None = None) -> str:
    """The commit before the change; empty where the event has none: a schedule, a dispatch, a release.

    Of a pull request it is the base branch's commit that its merge was made with, of a merge queue the commit that the
    group is put on, of a push the one before it, which may be all zeros: a new branch.

    Args:
        folder: of the checkout: the base branch may have moved on, and a merge says itself what it was made of.
    """
    variables = os.environ if environment is None else environment
    name, event = variables.get("GITHUB_EVENT_NAME", ""), _event(variables)
    candidates = {
        "pull_request": _inner(event, "pull_request", "base", "sha"),
        "merge_group": _inner(event, "merge_group", "base_sha"),
        "push": _inner(event, "before"),
    }
    others = next((variables[key] for key in GITLAB_BASE if variables.get(key)), "")
    found = candidates.get(name, "") if name else others
    if name == "pull_request" and folder is not None:
        found = _merged_onto(folder, _inner(event, "pull_request", "head", "sha")) or found
    return found if _COMMIT.fullmatch(found) else ""


def may_carry(environment: Mapping[str, str] | None = None) -> bool:
    """Whether earlier evidence may stand for what a change cannot have touched: on pull requests and by hand, never on
    what a service runs by the clock, in a merge queue, or on the branch itself."""
    variables = os.environ if environment is None else environment
    return variables.get("GITHUB_EVENT_NAME", PULL_REQUEST) == PULL_REQUEST


def from_a_fork(environment: Mapping[str, str] | None = None) -> bool:
    """Whether a run is for a pull request of another repository: a stranger's code, which gets no machine of one's own.

    A pull request whose repository is gone is one of those.
    """
    variables = os.environ if environment is None else environment
    if variables.get("GITHUB_EVENT_NAME", "") != PULL_REQUEST:
        return False
    event = _event(variables)
    head = _inner(event, "pull_request", "head", "repo", "full_name")
    return not head or head != _inner(event, "pull_request", "base", "repo", "full_name")


def _merged_onto(folder: Path, head: str) -> str:
    """The first parent of the merge that is checked out; empty where it is none of this head."""
    command = ["git", "-C", str(folder), "rev-list", "--parents", "--max-count=1", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    parents = done.stdout.split()[1:]
    return parents[0] if len(parents) == 2 and parents[1] == head else ""


def _event(variables: Mapping[str, str]) -> Any:
    path = Path(variables.get("GITHUB_EVENT_PATH") or os.devnull)
    try:
        if path.stat().st_size > MAX_EVENT_BYTES:
            return None
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _inner(data: Any, *keys: str) -> str:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, str) else ""
