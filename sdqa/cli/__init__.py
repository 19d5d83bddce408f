"""The command line. Results go to standard output, progress to standard error; a known error is one message."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from collections.abc import Sequence

import click

import sdqa
from sdqa.cli.verbs import Commands, VerbGroup
from sdqa.endings import in_words
from sdqa.errors import EXIT_INFRASTRUCTURE, EXIT_INTERRUPTED, EXIT_PASS, EXIT_USAGE, Unforeseen
from sdqa.plain import speak_ascii


@click.group(
    cls=VerbGroup,
    commands=Commands(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(sdqa.__version__, prog_name="sdqa")
def cli() -> None:
    """Quality and regression gate for Stable Diffusion pipelines converted to Core ML."""


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code: sdqa's own, whatever ends it."""
    for stream in (sys.stdout, sys.stderr):
        speak_ascii(stream)
    collecting = gc.isenabled()
    try:
        cli.main(args=list(arguments), prog_name="sdqa", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return EXIT_INTERRUPTED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else EXIT_INFRASTRUCTURE if end.code else EXIT_PASS
    except Exception as error:  # Python would end with 1, which says that the gate failed
        found = in_words(error)
        if isinstance(found, Unforeseen) or os.environ.get("SDQA_TRACEBACK"):
            traceback.print_exc()
        click.echo(f"error {found}", err=True)
        return found.exit_code
    finally:
        if collecting:
            gc.enable()
    return EXIT_PASS
