"""The verbs that a CI file calls: the plan of record before anything runs, the gate when everything has."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from sdqa.cli.options import output_option, resolve_plan, suite_option

plan_option = click.option("--plan", "plan_file", type=click.Path(path_type=Path), help="The plan of record.")
results_option = click.option("--results", default=None, metavar="JSON", help="What jobs ended as: toJSON(needs).")
commit_option = click.option("--expect-commit", default="", metavar="SHA", help="The commit that is to be proved.")


@click.group()
def ci() -> None:
    """The only verbs that a CI file needs: plan, gate."""


@ci.command(name="plan")
@suite_option
@click.option("--output", default=None, type=click.Path(path_type=Path), help="Where plan.json goes; else printed.")
@click.option("--commit", default="", metavar="SHA", help="The commit that is planned for; asked of git otherwise.")
@click.option("--base", default="", metavar="SHA", help="The commit that it is compared with.")
def plan_verb(suite: str | None, output: Path | None, commit: str, base: str) -> None:
    """Write the plan of record: units, check ids and digests that the evidence is held against."""
    record_plan(suite, output, commit, base)


def record_plan(suite: str | None, output: Path | None, commit: str, base: str) -> None:
    """Write, or print, the plan of record of a suite."""
    from sdqa.ci.plan import plan_of_record, write_plan
    from sdqa.workflow.gate import RULES

    made = plan_of_record(resolve_plan(suite), RULES, commit=commit.lower(), base=base.lower())
    if output is None:
        click.echo(json.dumps(made.to_json(), indent=1, sort_keys=True))
        return
    write_plan(output, made)
    checks = sum(len(unit.checks) for unit in made.units)
    click.echo(f"{output}: {checks} checks in {len(made.units)} units, judge {made.judge_digest[:12]}")


@ci.command(name="gate")
@click.argument("bundles", nargs=-1, type=click.Path(path_type=Path))
@suite_option
@plan_option
@results_option
@commit_option
@click.option("--base", default="", metavar="REVISION", help="Say first who loosened the judge since this revision.")
@click.option("--download", default="success", metavar="OUTCOME", help="How fetching the bundles ended.")
@click.option("--history", default="", metavar="PLACE", help="Of earlier runs: show the trend (sdqa history).")
@output_option
def gate_verb(
    bundles: tuple[Path, ...],
    suite: str | None,
    plan_file: Path | None,
    results: str | None,
    expect_commit: str,
    base: str,
    download: str,
    history: str,
    output: Path,
) -> None:
    """Judge the bundles of all machines by this checkout; write report, summary, annotations and outputs at once.

    BUNDLES are folders of bundles, or folders that hold them. The verdict, the words and the exit code come from one
    record. Exit code 4: something that was planned is not proved.
    """
    sys.exit(
        run_gate(
            bundles, suite, plan_file, results, expect_commit, output, base=base, download=download, history=history
        )
    )


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
) -> int:
    """What `ci gate` and `merge --plan` do; the exit code."""
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
            commit=expect_commit.strip().lower(),
            base=base,
            download=download,
            history=history,
        )
    except SdqaError as error:
        click.echo(publish_error(error).annotations, nl=False)
        raise
    terminal.print_run(run)
    click.echo(published.annotations, nl=False)
    click.echo(f"{published.verdict}: exit code {published.exit_code}; report: {output / 'index.html'}")
    return published.exit_code
