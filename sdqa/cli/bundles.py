"""Verbs over bundles and files: pure, quick, without torch."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from sdqa.cli.ci import commit_option, plan_option, results_option
from sdqa.cli.gating import run_gate
from sdqa.cli.options import bundle_argument, json_option, output_option, resolve_plan, suite_option


@click.command()
@bundle_argument
@suite_option
@click.option("--baseline", type=click.Path(path_type=Path), help="An earlier bundle: compare times and memory too.")
@json_option
def gate(bundle: Path, suite: str | None, baseline: Path | None, as_json: bool) -> None:
    """Judge a bundle's measurements again, with the tolerances and budgets of today; writes nothing."""
    from sdqa.report import terminal
    from sdqa.workflow.gate import judge_again

    run = judge_again(resolve_plan(suite), bundle, baseline)
    if as_json:
        click.echo(json.dumps(run.to_json(), sort_keys=True))
    else:
        terminal.print_run(run)
    sys.exit(run.exit_code)


@click.command()
@bundle_argument
@click.option("--output", type=click.Path(path_type=Path), default=None, help="Where to write; the bundle's folder.")
@click.option("--history", default="", metavar="PLACE", help="Of earlier runs: show the trend (sdqa history).")
@click.option("--against", type=click.Path(path_type=Path), metavar="RUN_A", help="An earlier bundle: say what is new.")
@click.option("--single-file", is_flag=True, help="All pictures in the page, however large it gets.")
def report(bundle: Path, output: Path | None, history: str, against: Path | None, single_file: bool) -> None:
    """Write the page, JUnit XML and summary of a bundle again."""
    from sdqa.bundle import Bundle
    from sdqa.history.reading import read_history, with_run
    from sdqa.report import write_report
    from sdqa.report.trends import SHOWN

    earlier = with_run(read_history(history, last=SHOWN), Bundle(bundle).read()) if history else None
    before = Bundle(against) if against is not None else None
    files = write_report(Bundle(bundle), output or bundle, history=earlier, against=before, single_file=single_file)
    click.echo(str(files.html))


@click.command()
@click.argument("run_a", type=click.Path(path_type=Path))
@click.argument("run_b", type=click.Path(path_type=Path))
@json_option
@click.option("--markdown", "as_markdown", is_flag=True, help="Markdown on standard output.")
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="DIR", help="Write RUN_B's page there too, RUN_A beside it."
)
def compare(run_a: Path, run_b: Path, as_json: bool, as_markdown: bool, output: Path | None) -> None:
    """Say what changed from RUN_A to RUN_B: new failures, still failing, fixed, and the figures that moved.

    Both are bundles' folders. The exit code says only whether they could be read: a difference is no verdict.
    """
    from sdqa.bundle import Bundle
    from sdqa.report import write_report
    from sdqa.report.against import compare as compare_runs
    from sdqa.report.change_words import comparison_markdown
    from sdqa.report.comparison_terminal import print_comparison
    from sdqa.report.links import page_of

    if as_json and as_markdown:
        raise click.UsageError("--json and --markdown cannot both be printed")
    found = compare_runs(Bundle(run_a).read(), Bundle(run_b).read())
    if output is not None:
        write_report(Bundle(run_b), output, against=Bundle(run_a))
    if as_json:
        click.echo(json.dumps(found.to_json(), sort_keys=True))
    elif as_markdown:
        click.echo(comparison_markdown(found, page_of()), nl=False)
    else:
        print_comparison(found, page=page_of())


@click.command()
@click.argument("bundles", nargs=-1, required=True, type=click.Path(path_type=Path))
@suite_option
@plan_option
@results_option
@commit_option
@output_option
def merge(
    bundles: tuple[Path, ...],
    suite: str | None,
    plan_file: Path | None,
    results: str | None,
    expect_commit: str,
    output: Path,
) -> None:
    """Join the bundles of several machines; a lane that no machine ran makes it incomplete.

    Nothing is judged: the verdicts are those of each machine. With --plan, the evidence is held against the plan of
    record and judged again, as `sdqa ci gate` does.
    """
    if plan_file is not None:
        sys.exit(run_gate(bundles, suite, plan_file, results, expect_commit, output))
    if results is not None or expect_commit:
        raise click.UsageError("--results and --expect-commit need --plan")
    from sdqa.bundle import Bundle
    from sdqa.bundle.merge import merge as merge_bundles
    from sdqa.report import terminal, write_report

    run = merge_bundles([Bundle(folder) for folder in bundles], Bundle(output))
    write_report(Bundle(output), output)
    terminal.print_run(run)
    sys.exit(run.exit_code)


@click.command()
@click.argument("what", type=click.Choice(["run", "suite", "plan"]))
def schema(what: str) -> None:
    """Print the JSON Schema of a bundle's run.json, of sdqa.toml or of a plan of record."""
    from sdqa.bundle.schema import json_schema
    from sdqa.ci.plan import plan_schema
    from sdqa.plan import Suite

    makers = {"run": json_schema, "suite": Suite.model_json_schema, "plan": plan_schema}
    data = makers[what]()
    click.echo(json.dumps(data, indent=1, sort_keys=True))
