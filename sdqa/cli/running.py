"""Verbs that run something: plan, qa, and the stages alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sdqa.cli.ci import record_plan
from sdqa.cli.options import (
    described,
    fault_option,
    json_option,
    lane_option,
    look_at_models,
    naming,
    resolve_plan,
    store_option,
    suite_option,
)
from sdqa.cli.session import run_suite
from sdqa.store.place import StorePlace

if TYPE_CHECKING:
    from sdqa.workflow import Stage


@click.command()
@suite_option
@lane_option
@click.option("--record", default=None, type=click.Path(path_type=Path), help="Write the plan of record to a file.")
@click.option("--explain", is_flag=True, help="Say where each tolerance comes from, and which files nothing reads.")
@json_option
def plan(suite: str | None, lanes: tuple[str, ...], record: Path | None, explain: bool, as_json: bool) -> None:
    """Show what will run, what is skipped and why, what it costs, and what is still missing.

    Exits 2 where the suite, or a file that it names, has to be changed; what is only missing yet is exit code 0.
    """
    from sdqa.errors import EXIT_PASS, EXIT_USAGE, ModelError, UnsupportedModel
    from sdqa.plan import describe
    from sdqa.workflow.preflight import preflight

    if record is not None:
        record_plan(suite, record)
        return
    made = resolve_plan(suite, lanes)
    try:
        remarks = look_at_models(made)
    except UnsupportedModel:
        raise
    except ModelError:  # said below, with whatever else is wrong
        remarks = {}
    look = preflight(made)
    status = EXIT_USAGE if look.wrong else EXIT_PASS
    if as_json:
        data = {**describe.plan_data(made), "remarks": remarks, "preflight": look.to_json()}
        if explain:
            from sdqa.workflow.preflight.files import idle_files

            data["unread_files"] = idle_files(made)
        click.echo(json.dumps(data, indent=1, sort_keys=True))
        sys.exit(status)
    click.echo(described(made, remarks, look.notes))
    if explain:
        from sdqa.gate.explain import explain_checks
        from sdqa.workflow.gate import worst_figures
        from sdqa.workflow.preflight.files import explain_files

        click.echo(explain_checks(made, worst_figures()))
        click.echo(explain_files(made))
    click.echo("\n".join(look.lines(naming(suite))))
    sys.exit(status)


def _shard(_context: click.Context, _option: click.Parameter, given: str) -> str:
    """`2/3`, or nothing."""
    number, _, count = given.partition("/")
    right = number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count)
    if given and not right:
        raise click.BadParameter(f"{given!r} is not I/N: 2/3 is the second of three shares")
    return given


@click.command(context_settings={"ignore_unknown_options": True})
@suite_option
@lane_option
@click.option("--shard", default="", metavar="I/N", callback=_shard, help="Only the I-th of N shares of the cases.")
@fault_option
@click.option("--diagnose/--no-diagnose", default=True, help="Whether to find out what broke a lane that failed.")
@click.option(
    "--output",
    default=None,
    type=click.Path(path_type=Path),
    help="The bundle's folder; by default .sdqa/report for a full run, .sdqa/runs/… for another.",
)
@click.option("--engine", type=click.Choice(["dask"]), default=None, help="Run all lanes on a cluster of workers.")
@click.option("--scheduler", default="", metavar="ADDRESS", help="Of the cluster, tls://HOST:PORT; else workers here.")
@click.option(
    "--shards", default=None, type=click.IntRange(1, 256), help="With --engine: jobs for each kind of machine."
)
@store_option
@json_option
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def qa(
    suite: str | None,
    lanes: tuple[str, ...],
    shard: str,
    fault: str | None,
    diagnose: bool,
    output: Path | None,
    engine: str | None,
    scheduler: str,
    shards: int | None,
    store: StorePlace,
    as_json: bool,
    pytest_arguments: tuple[str, ...],
) -> None:
    """Run a suite: plan, convert, generate, score, gate, report.

    Further arguments go to pytest (-k, -x, --lf, -n, -v, `sdqa.toml::tiny/fp16/portrait-hat/lpips`).
    """
    from sdqa.plan.parts import HERE

    if engine is not None:
        from sdqa.cli.engine import run_on_cluster

        if lanes or shard or fault or as_json or pytest_arguments:
            raise click.UsageError(
                "--engine runs all lanes: it takes --suite, --scheduler, --shards, --output, --store"
            )
        sys.exit(run_on_cluster(suite, scheduler, shards, output, store))
    if scheduler or shards:
        raise click.UsageError("--scheduler and --shards need --engine")
    unit = f"{HERE}:{shard}" if shard else ""
    code = run_suite(suite, lanes, unit, fault, output, store, pytest_arguments, diagnose=diagnose, as_json=as_json)
    sys.exit(code)


@click.command()
@suite_option
@lane_option
@store_option
@json_option
def convert(suite: str | None, lanes: tuple[str, ...], store: StorePlace, as_json: bool) -> None:
    """Convert the teacher's components into packages."""
    _stage("convert", suite, lanes, store, None, as_json)


@click.command()
@suite_option
@lane_option
@store_option
@fault_option
@json_option
def generate(suite: str | None, lanes: tuple[str, ...], store: StorePlace, fault: str | None, as_json: bool) -> None:
    """Generate every case from the packages."""
    _stage("generate", suite, lanes, store, fault, as_json)


@click.command()
@suite_option
@lane_option
@store_option
@fault_option
@json_option
def score(suite: str | None, lanes: tuple[str, ...], store: StorePlace, fault: str | None, as_json: bool) -> None:
    """Score what was generated against the goldens."""
    _stage("score", suite, lanes, store, fault, as_json)


def _stage(
    name: Stage, suite: str | None, lanes: tuple[str, ...], store: StorePlace, fault: str | None, as_json: bool
) -> None:
    from dataclasses import asdict

    from sdqa.plan import find_suite
    from sdqa.progress import reporting
    from sdqa.store import Store
    from sdqa.workflow.alone import run_stage
    from sdqa.workflow.job import prepare

    made = resolve_plan(suite, lanes)
    look_at_models(made, drawing=name != "convert")
    with reporting() as progress:
        job = prepare(find_suite(suite), Store(store), store.folder.parent / "stages", lanes, fault or "", progress)
        done = run_stage(name, job)
    click.echo(json.dumps(asdict(done), indent=1, sort_keys=True) if as_json else "\n".join(done.lines))
    if done.failures:
        click.echo("\n".join(done.failures), err=True)
    sys.exit(done.exit_code)
