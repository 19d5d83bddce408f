"""`python -m sdqa` and the `sdqa` command."""

from __future__ import annotations

import io
import signal
import sys
from typing import Any


class Patient(io.FileIO):
    """Standard output that may be left: what `| head -1` no longer reads must not change how the run ends."""

    def write(self, data: Any, /) -> int:  # bytes-like; the standard library names that type from 3.12 on
        """Write, or do as if."""
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            return len(memoryview(data).cast("B"))


def main() -> None:
    """Run the command line; known errors are one message and an exit code, never a traceback."""
    from sdqa.cli import run

    # A cancelled CI job is terminated: it ends as after Ctrl-C, with a bundle that says so.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if sys.stdout is not None:
        raw = io.BufferedWriter(Patient(sys.stdout.fileno(), "wb", closefd=False))
        sys.stdout = io.TextIOWrapper(raw, sys.stdout.encoding, sys.stdout.errors, line_buffering=True)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
