"""`python -m sdqa` and the `sdqa` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; known errors are one message and an exit code, never a traceback."""
    from sdqa.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
