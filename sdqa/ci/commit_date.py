"""When a commit was made: nothing was measured of it before."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

from sdqa.ci.affected import GIT_SECONDS


def committed(folder: Path, commit: str) -> datetime | None:
    """When a commit was made, by its committer's clock; None where git does not say."""
    asked = ["show", "-s", "--format=%ct", "--end-of-options", commit]
    command = ["git", "-C", str(folder), "--no-optional-locks", *asked]
    try:
        done = subprocess.run(command, capture_output=True, timeout=GIT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    seconds = done.stdout.decode("ascii", errors="replace").strip()
    return datetime.fromtimestamp(int(seconds), UTC) if done.returncode == 0 and seconds.isdecimal() else None
