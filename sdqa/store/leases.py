"""Leases: how a process says that it still reads what it used since it began, so that nobody prunes it away.

A lease is a lock file in `<root>/.leases/`, held until the process ends, however it ends; its name says when it began.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock

FOLDER = ".leases"
_NAME = re.compile(r"(\d{1,20})-\d+-\d+\.lock")
_taken = 0


def take(root: Path) -> BaseFileLock | None:
    """A lease on a store, held until it is released or collected; None for a store that cannot be written."""
    from filelock import FileLock

    global _taken
    try:
        (root / FOLDER).mkdir(parents=True, exist_ok=True)
        oldest(root)
        _taken += 1
        lock = FileLock(root / FOLDER / f"{time.time_ns()}-{os.getpid()}-{_taken}.lock")
        lock.acquire(timeout=0)
    except OSError:
        return None
    return lock


def oldest(root: Path) -> int | None:
    """When the oldest living lease began, in nanoseconds since 1970; None without any. Dead ones are removed."""
    from filelock import FileLock, Timeout

    begun = []
    for path in sorted((root / FOLDER).glob("*.lock")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            continue
        try:
            with FileLock(path, timeout=0):
                path.unlink(missing_ok=True)
        except Timeout:
            begun.append(int(match[1]))
    return min(begun, default=None)
