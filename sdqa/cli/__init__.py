"""The command line. Results go to standard output, progress to standard error; a known error is one message."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

import sdqa
from sdqa.cli import (
    bundles,
    causes,
    ci,
    faults,
    history,
    judging,
    keeping,
    oracle,
    references,
    reviewing,
    runner,
    running,
    starting,
)
from sdqa.endings import in_words
from sdqa.errors import EXIT_INFRASTRUCTURE, EXIT_INTERRUPTED, EXIT_PASS, EXIT_USAGE, Unforeseen
from sdqa.plain import speak_ascii


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(sdqa.__version__, prog_name="sdqa")
def cli() -> None:
    """Quality and regression gate for Stable Diffusion pipelines converted to Core ML."""


class LazyGroup(click.Group):
    """A room's own verbs, imported only when they are used."""

    def __init__(self, module: str, attribute: str, **rest: Any) -> None:
        super().__init__(**rest)
        self._module, self._attribute = module, attribute

    def _group(self) -> click.Group:
        import importlib

        group: click.Group = getattr(importlib.import_module(self._module), self._attribute)
        return group

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The room's verbs."""
        return self._group().list_commands(ctx)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """One of the room's verbs."""
        return self._group().get_command(ctx, name)


for verb in (
    running.plan,
    running.qa,
    running.convert,
    running.generate,
    running.score,
    bundles.gate,
    bundles.report,
    bundles.compare,
    reviewing.show,
    bundles.merge,
    starting.init,
    starting.fetch,
    bundles.schema,
    references.goldens,
    references.approve,
    references.calibrate,
    causes.diagnose,
    ci.ci,
    judging.judge_diff,
    faults.faults,
    keeping.store,
    history.history,
    history.dashboard,
    oracle.oracle,
    runner.runner,
):
    cli.add_command(verb)
cli.add_command(LazyGroup("sdqa.mil.cli", "mil_group", name="mil", help="Inspect, run, profile and compare packages."))


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code: sdqa's own, whatever ends it."""
    for stream in (sys.stdout, sys.stderr):
        speak_ascii(stream)
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
    return EXIT_PASS
