"""`python -m sdqa` and the `sdqa` command."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command line; known errors are one message and an exit code, never a traceback."""
    from sdqa.cli import run

    # A cancelled CI job is terminated: it ends as after Ctrl-C, with a bundle that says so.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
