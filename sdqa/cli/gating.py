"""The gate over the bundles of all machines, as `ci gate` and `merge --plan` call it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from sdqa.cli.options import resolve_plan

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""The whole name of a commit, by SHA-1 or SHA-256."""


def run_gate(
    bundles: tuple[Path, ...],
    suite: str | None,
    plan_file: Path | None,
    results: str | None,
    expect_commit: str,
    output: Path,
    *,
    base: str = "",
    download: str = "success",
    history: str = "",
    carried: Path | None = None,
) -> int:
    """Judge bundles and publish the verdict; the exit code."""
    from sdqa.ci.event import may_carry
    from sdqa.ci.gate import gate
    from sdqa.ci.publish import publish_error, withdraw
    from sdqa.errors import SdqaError
    from sdqa.report import terminal
    from sdqa.workflow.gate import RULES

    try:
        withdraw(bundles, output)
        run, published = gate(
            resolve_plan(suite),
            RULES,
            bundles,
            output,
            plan_file=plan_file,
            results=results if results is not None else os.environ.get("SDQA_RESULTS"),
            commit=whole_commit("--expect-commit", expect_commit),
            base=base,
            download=download,
            history=history,
            carried=carried if may_carry() else None,
        )
    except SdqaError as error:
        _annotate(publish_error(error).annotations)
        raise
    terminal.print_run(run)
    _annotate(published.annotations)
    click.echo(f"{published.verdict}: exit code {published.exit_code}; report: {output / 'index.html'}")
    return published.exit_code


def _annotate(lines: str) -> None:
    """Tell GitHub what it shows beside the change; to a person elsewhere the same was said already."""
    if os.environ.get("GITHUB_ACTIONS"):
        click.echo(lines, nl=False)


def whole_commit(option: str, text: str) -> str:
    """A commit as bundles name it: whole, in small letters; empty where none is given.

    Raises:
        UsageError: it is a part of a name, or another revision: evidence is held against one commit alone.
    """
    from sdqa.errors import UsageError

    commit = text.strip().lower()
    if commit and not COMMIT.fullmatch(commit):
        hint = "give all of its digits: git rev-parse HEAD"
        raise UsageError(f"{option} {text.strip()[:64]!r} is not the whole name of a commit", hint=hint)
    return commit
