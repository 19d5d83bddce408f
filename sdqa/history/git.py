"""git as a history asks it: plumbing only, nothing of the work tree, no hooks, no questions."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SECONDS = 60
"""One answer may take; a fetch or push over a slow line."""


class GitFailed(Exception):
    """git said no, or is not there; its last words."""


def run(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    """What git writes.

    Raises:
        GitFailed: it did not succeed.
    """
    command = ["git", "-C", str(folder), "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", *arguments]
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=SECONDS, check=False, env=environment)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitFailed(f"git cannot be run: {error}") from error
    if done.returncode:
        lines = done.stderr.decode("utf-8", errors="replace").strip().splitlines()
        raise GitFailed(" ".join(lines[-3:])[:400] or f"git {arguments[0]} ended with {done.returncode}")
    return done.stdout


def output(folder: Path, *arguments: str) -> str | None:
    """What git says, without the line's end; None where it does not succeed."""
    try:
        return run(folder, *arguments).decode("utf-8", errors="replace").strip()
    except GitFailed:
        return None
