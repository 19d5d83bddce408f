"""Files of strangers: regular ones only, below their folder, no larger than they may be. Opening never waits."""

from __future__ import annotations

import os
import stat
from pathlib import Path

NO_WAITING = getattr(os, "O_NONBLOCK", 0)  # a FIFO without a writer would block the open


class Refused(Exception):
    """A file that is not read, and why: a clause that follows its name."""


def read_regular(path: Path, limit: int, *, within: Path | None = None) -> bytes:
    """A regular file's bytes.

    Args:
        limit: of its size, in bytes.
        within: a folder that it must lie in once links are followed.

    Raises:
        Refused: it is a device, FIFO, folder or socket, is larger, or lies elsewhere.
        OSError: it is not there or cannot be read.
    """
    if within is not None and not path.resolve().is_relative_to(within.resolve()):
        raise Refused("is a link out of its folder")
    handle = os.open(path, os.O_RDONLY | NO_WAITING | getattr(os, "O_CLOEXEC", 0))
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Refused("is not a regular file")
        parts, left = [], limit + 1  # never more, whatever size it says that it has
        while left and (part := os.read(handle, min(left, 2**20))):
            parts.append(part)
            left -= len(part)
    finally:
        os.close(handle)
    if not left:
        raise Refused(f"is larger than {limit} bytes")
    return b"".join(parts)
