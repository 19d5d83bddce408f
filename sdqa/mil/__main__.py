"""`python -m sdqa.mil`: the runtime's own command line."""

from __future__ import annotations

import sys

import click

from sdqa.errors import SdqaError
from sdqa.mil.cli import mil_group


def main() -> int:
    """Run the command line; errors that were raised on purpose are printed without a traceback."""
    try:
        mil_group(prog_name="python -m sdqa.mil", standalone_mode=True)
    except SdqaError as error:
        click.echo(str(error), err=True)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
