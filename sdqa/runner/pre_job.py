"""Asked before each job: whether this machine runs it. Copied beside the runner, so it needs nothing but Python.

A machine of one's own runs the code of whoever can push to the repository, and nobody else's: events that strangers can
cause, and pull requests whose head lies in another repository, are refused. What is not known is refused too.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

OWN = frozenset({"push", "schedule", "workflow_dispatch", "merge_group", "release", "repository_dispatch"})
"""Events that only somebody with write access causes."""
MAX_EVENT_BYTES = 32 * 2**20


def refusal(environment: Mapping[str, str]) -> str:
    """Why a job is not run here; empty where it is."""
    event, repository = environment.get("GITHUB_EVENT_NAME", ""), environment.get("GITHUB_REPOSITORY", "")
    if event in OWN and repository:
        return ""
    if event != "pull_request":
        return f"jobs of the event {event[:60]!r} are not run on this machine"
    try:
        path = Path(environment.get("GITHUB_EVENT_PATH", ""))
        if path.stat().st_size > MAX_EVENT_BYTES:
            return "the event is too large to be read"
        pull = json.loads(path.read_text(encoding="utf-8"))["pull_request"]
        head, base = (pull[side]["repo"]["full_name"] for side in ("head", "base"))
    except (OSError, ValueError, KeyError, TypeError):  # a fork that was deleted has no repository
        return "the event does not say where the pull request comes from"
    if not isinstance(head, str) or not head.lower() == str(base).lower() == repository.lower():
        return "pull requests from forks are not run on this machine"
    return ""


if __name__ == "__main__":
    why = refusal(os.environ)
    if why:
        sys.stdout.write(f"::error title=Refused by this runner::{why}\n")
        sys.exit(1)
