"""The verb that says who loosened the judge."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from sdqa.cli.options import json_option, reason_option, suite_option
from sdqa.errors import EXIT_GATE_FAILED


@click.command(name="judge-diff")
@click.argument("base")
@click.argument("head", default=".")
@suite_option
@click.option("--record", is_flag=True, help="Write the reason of what loosens the suite into the audit log.")
@reason_option
@click.option("--output", default=None, type=click.Path(path_type=Path), help="Where the Markdown goes; else printed.")
@json_option
def judge_diff(
    base: str, head: str, suite: str | None, record: bool, reason: str, output: Path | None, as_json: bool
) -> None:
    """Say what HEAD does to the judge of BASE: checks removed, limits loosened, references changed.

    BASE and HEAD are revisions of git or folders that hold the suite; HEAD is what is checked out otherwise. Exit code
    1: it is looser than before, and the audit log does not say why.
    """
    from sdqa.ci.comparison import compared
    from sdqa.ci.judge_diff import is_silent, record_reason
    from sdqa.ci.revision import plan_at
    from sdqa.errors import UsageError
    from sdqa.plan import find_suite
    from sdqa.report.summary import changes_markdown
    from sdqa.store import write_atomically
    from sdqa.workflow.gate import RULES

    path = find_suite(suite)
    place = str(path.parent) if head == "." else head
    with plan_at(place, path) as after:
        if after is None:
            raise UsageError(f"{head} has no suite {path.name}", hint="name another with --suite")
        changes = compared(base, after, RULES, suite=path)
        if record:
            if place != str(path.parent) or not reason.strip():
                raise UsageError("--record writes beside the suite that is checked out and needs --reason")
            record_reason(after, changes, reason.strip())
            changes = compared(base, after, RULES, suite=path)
    text = json.dumps([change.to_json() for change in changes], indent=1, sort_keys=True)
    if not as_json:
        text = "\n".join(changes_markdown(changes)) if changes else "The judge is the same."
    if output is None:
        click.echo(text)
    else:
        write_atomically(output, f"{text}\n".encode())
    if is_silent(changes):
        click.echo("the judge is looser than before, and the audit log does not say why", err=True)
        sys.exit(EXIT_GATE_FAILED)
