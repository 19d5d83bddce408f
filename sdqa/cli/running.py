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
from sdqa.store.place import StorePlace

if TYPE_CHECKING:
    import pytest

    from sdqa.workflow import Stage


@click.command()
@suite_option
@lane_option
@click.option("--record", default=None, type=click.Path(path_type=Path), help="Write the plan of record to a file.")
@click.option("--explain", is_flag=True, help="Say for every check where its tolerance comes from.")
@json_option
def plan(suite: str | None, lanes: tuple[str, ...], record: Path | None, explain: bool, as_json: bool) -> None:
    """Show what will run, what is skipped and why, what it costs, and what is still missing.

    Exits 2 where the suite, or a file that it names, has to be changed; what is only missing yet is exit code 0.
    """
    from sdqa.errors import EXIT_PASS, EXIT_USAGE, ModelError, UnsupportedModel
    from sdqa.plan import describe
    from sdqa.workflow.preflight import preflight

    if record is not None:
        record_plan(suite, record, "", "")
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
        click.echo(json.dumps(data, indent=1, sort_keys=True))
        sys.exit(status)
    click.echo(described(made, remarks, look.notes))
    if explain:
        from sdqa.gate.explain import explain_checks
        from sdqa.workflow.gate import worst_figures

        click.echo(explain_checks(made, worst_figures()))
    click.echo("\n".join(look.lines(naming(suite))))
    sys.exit(status)


@click.command(context_settings={"ignore_unknown_options": True})
@suite_option
@lane_option
@fault_option
@click.option("--diagnose/--no-diagnose", default=True, help="Whether to find out what broke a lane that failed.")
@click.option(
    "--output",
    default=None,
    type=click.Path(path_type=Path),
    help="The bundle's folder; by default .sdqa/report for a full run, .sdqa/runs/… for another.",
)
@store_option
@json_option
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def qa(
    suite: str | None,
    lanes: tuple[str, ...],
    fault: str | None,
    diagnose: bool,
    output: Path | None,
    store: StorePlace,
    as_json: bool,
    pytest_arguments: tuple[str, ...],
) -> None:
    """Run a suite: plan, convert, generate, score, gate, report.

    Further arguments go to pytest (-k, -x, --lf, -n, -v, `sdqa.toml::tiny/fp16/portrait-hat/lpips`).
    """
    from sdqa.bundle import Bundle
    from sdqa.workflow.preflight import look_at_pictures

    made = resolve_plan(suite, lanes)
    _check_fault(fault)
    click.echo(described(made, look_at_models(made), look_at_pictures(made).notes), err=as_json)
    cache = ("-o", f"cache_dir={made.root.resolve() / '.sdqa' / 'pytest_cache'}")  # not beside a suite that sdqa ships
    more = (*cache, *(["--sdqa-diagnose"] if diagnose else []), *pytest_arguments)
    session = SessionEnd()
    status = _pytest(made.suite_path, lanes, fault, output, store, more, session, quiet=as_json)
    if as_json and session.folder is not None:  # otherwise what lies there is another run's
        click.echo(json.dumps(Bundle(session.folder).read().to_json(), sort_keys=True))
    sys.exit(status)


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


def _check_fault(fault: str | None) -> None:
    if fault is not None:
        from sdqa.faults import injection

        injection(fault)


def _pytest(
    suite: Path,
    lanes: tuple[str, ...],
    fault: str | None,
    output: Path | None,
    store: StorePlace,
    extra: tuple[str, ...],
    session: SessionEnd,
    *,
    quiet: bool,
) -> int:
    """Run pytest over the suite in this process, with a configuration of its own."""
    import contextlib

    import pytest

    from sdqa.errors import EXIT_PASS, EXIT_USAGE
    from sdqa.workflow.place import HOME

    configuration = Path(__file__).parents[1] / "suites" / "pytest.ini"
    chosen = [] if any(argument.startswith(f"{suite}::") for argument in extra) else [str(suite)]
    arguments = [*chosen, "-c", str(configuration), f"--rootdir={suite.resolve().parent}", f"--sdqa-suite={suite}"]
    arguments += [f"--sdqa-home={HOME}", *store.options("--sdqa-store"), *(f"--sdqa-lane={lane}" for lane in lanes)]
    arguments += [f"--sdqa-output={output}"] if output is not None else []
    arguments += [f"--sdqa-fault={fault}"] if fault else []
    if not _plugin_is_installed():
        arguments += ["-p", "sdqa.pytest_plugin"]
    with contextlib.redirect_stdout(sys.stderr) if quiet else contextlib.nullcontext():
        status = int(pytest.main([*arguments, *extra], plugins=[session]))
    if session.code is not None:
        return session.code
    return EXIT_USAGE if status else EXIT_PASS


class SessionEnd:
    """Remembers how pytest's session ended. There is none where pytest refuses the command line, or only gives help.

    `pytest.main` alone does not tell: its own 4 is a usage error, sdqa's is missing evidence.
    """

    code: int | None = None
    folder: Path | None = None  # where the bundle was written

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """The exit code that the plugin made of the exit status."""
        from sdqa.pytest_status import FINAL, FOLDER

        self.code = config.stash.get(FINAL, None)
        self.folder = config.stash.get(FOLDER, None)


def _plugin_is_installed() -> bool:
    """Whether pytest finds the plugin by itself (it does unless sdqa runs from a source tree)."""
    import importlib.metadata

    points = importlib.metadata.entry_points(group="pytest11")
    return any(point.value == "sdqa.pytest_plugin" for point in points)


def _stage(
    name: Stage, suite: str | None, lanes: tuple[str, ...], store: StorePlace, fault: str | None, as_json: bool
) -> None:
    from dataclasses import asdict

    from sdqa.plan import find_suite
    from sdqa.progress import reporting
    from sdqa.store import Store
    from sdqa.workflow import prepare
    from sdqa.workflow.alone import run_stage

    made = resolve_plan(suite, lanes)
    look_at_models(made, drawing=name != "convert")
    with reporting() as progress:
        job = prepare(find_suite(suite), Store(store), store.folder.parent / "stages", lanes, fault or "", progress)
        done = run_stage(name, job)
    click.echo(json.dumps(asdict(done), indent=1, sort_keys=True) if as_json else "\n".join(done.lines))
    if done.failures:
        click.echo("\n".join(done.failures), err=True)
    sys.exit(done.exit_code)
