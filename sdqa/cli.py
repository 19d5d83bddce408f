"""The verbs of the command line, nothing else. Results go to standard output, progress to standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

import sdqa
from sdqa.errors import EXIT_INTERRUPTED, EXIT_USAGE, SdqaError

suite_option = click.option("--suite", default=None, metavar="SUITE", help="A suite file, or a shipped suite's name.")
lane_option = click.option("--lane", "lanes", multiple=True, metavar="LANE", help="Only lanes that match; repeatable.")
store_option = click.option(
    "--store", default=".sdqa/store", type=click.Path(path_type=Path), help="The store's folder."
)
output_option = click.option(
    "--output", default=".sdqa/report", type=click.Path(path_type=Path), help="The bundle's folder."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Machine-readable result on standard output.")
reason_option = click.option("--reason", default="", help="Why; recorded, and needed where something would change.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(sdqa.__version__, prog_name="sdqa")
def cli() -> None:
    """Quality and regression gate for Stable Diffusion pipelines converted to Core ML."""


@cli.command()
@suite_option
@lane_option
@click.option("--explain", is_flag=True, help="Say for every check where its tolerance comes from.")
@json_option
def plan(suite: str | None, lanes: tuple[str, ...], explain: bool, as_json: bool) -> None:
    """Show the lanes, cases and checks that will run, and what is skipped and why."""
    from sdqa.plan import describe

    made = _plan(suite, lanes)
    if as_json:
        click.echo(json.dumps(describe.plan_data(made), indent=1, sort_keys=True))
        return
    click.echo(describe.plan_text(made))
    if explain:
        from sdqa.gate.explain import explain_checks

        click.echo(explain_checks(made))


@cli.command(context_settings={"ignore_unknown_options": True})
@suite_option
@lane_option
@click.option("--fault", default=None, metavar="FAULT", help="Plant a fault, to see the gate turn red.")
@output_option
@store_option
@json_option
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def qa(
    suite: str | None,
    lanes: tuple[str, ...],
    fault: str | None,
    output: Path,
    store: Path,
    as_json: bool,
    pytest_arguments: tuple[str, ...],
) -> None:
    """Run a suite: plan, convert, generate, score, gate, report. Further arguments go to pytest (-k, -x, --lf, -n)."""
    from sdqa.bundle import Bundle
    from sdqa.plan import describe

    made = _plan(suite, lanes)
    _check_fault(fault)
    click.echo(describe.plan_text(made), err=as_json)
    status = _pytest(made.suite_path, lanes, fault, output, store, pytest_arguments, quiet=as_json)
    if as_json:
        click.echo(json.dumps(Bundle(output).read().to_json(), sort_keys=True))
    sys.exit(status)


@cli.command()
@suite_option
@lane_option
@store_option
@json_option
def convert(suite: str | None, lanes: tuple[str, ...], store: Path, as_json: bool) -> None:
    """Convert the teacher's components into packages."""
    _stage("convert", suite, lanes, store, None, as_json)


@cli.command()
@suite_option
@lane_option
@store_option
@click.option("--fault", default=None, metavar="FAULT", help="Plant a fault.")
@json_option
def generate(suite: str | None, lanes: tuple[str, ...], store: Path, fault: str | None, as_json: bool) -> None:
    """Generate every case from the packages."""
    _stage("generate", suite, lanes, store, fault, as_json)


@cli.command()
@suite_option
@lane_option
@store_option
@click.option("--fault", default=None, metavar="FAULT", help="Plant a fault.")
@json_option
def score(suite: str | None, lanes: tuple[str, ...], store: Path, fault: str | None, as_json: bool) -> None:
    """Score what was generated against the goldens."""
    _stage("score", suite, lanes, store, fault, as_json)


@cli.command()
@click.argument("bundle", type=click.Path(path_type=Path), default=Path(".sdqa/report"))
@suite_option
@json_option
def gate(bundle: Path, suite: str | None, as_json: bool) -> None:
    """Judge a bundle's measurements again, with the tolerances and budgets of today; writes nothing."""
    from sdqa.report import terminal
    from sdqa.workflow import judge_again

    run = judge_again(_plan(suite, ()), bundle)
    if as_json:
        click.echo(json.dumps(run.to_json(), sort_keys=True))
    else:
        terminal.print_run(run)
    sys.exit(run.exit_code)


@cli.command()
@click.argument("bundle", type=click.Path(path_type=Path), default=Path(".sdqa/report"))
@click.option("--output", type=click.Path(path_type=Path), default=None, help="Where to write; the bundle's folder.")
def report(bundle: Path, output: Path | None) -> None:
    """Write the page, JUnit XML and summary of a bundle again."""
    from sdqa.bundle import Bundle
    from sdqa.report import write_report

    files = write_report(Bundle(bundle), output or bundle)
    click.echo(str(files.html))


@cli.command()
@click.argument("bundles", nargs=-1, required=True, type=click.Path(path_type=Path))
@output_option
def merge(bundles: tuple[Path, ...], output: Path) -> None:
    """Merge the bundles of several machines into one; a lane that no machine ran makes it incomplete."""
    from sdqa.bundle import Bundle
    from sdqa.report import terminal, write_report
    from sdqa.report.merge import merge as merge_bundles

    run = merge_bundles([Bundle(folder) for folder in bundles], Bundle(output))
    write_report(Bundle(output), output)
    terminal.print_run(run)
    sys.exit(run.exit_code)


@cli.group(invoke_without_command=True)
@suite_option
@store_option
@click.option("--case", "cases", multiple=True, metavar="CASE", help="Only these cases; repeatable.")
@reason_option
@click.pass_context
def goldens(context: click.Context, suite: str | None, store: Path, cases: tuple[str, ...], reason: str) -> None:
    """Record the references from the PyTorch teacher; changes nothing without --reason."""
    if context.invoked_subcommand is not None:
        return
    from sdqa.progress import reporting
    from sdqa.recording import record_goldens
    from sdqa.store import Store

    with reporting() as progress:
        recorded = list(record_goldens(_plan(suite, ()), Store(store), progress, cases=cases, reason=reason))
    for item in recorded:
        click.echo(f"{'recorded' if item.changed else 'unchanged'}  {item.model}/{item.case}")


@cli.command()
@suite_option
@store_option
@reason_option
def calibrate(suite: str | None, store: Path, reason: str) -> None:
    """Measure harmless noise and faults, and place every tolerance between them."""
    from sdqa import calibration, workflow
    from sdqa.bundle import Bundle
    from sdqa.environment import environment
    from sdqa.gate.calibrate import calibrate as place
    from sdqa.progress import reporting
    from sdqa.store import Store

    made = _plan(suite, ())
    for model in sorted({lane.model_name for lane in made.running}):
        with reporting() as progress:
            job = workflow.Job(made, Store(store), Bundle(store.parent / "calibration"), None, progress)
            harmless, faults = calibration.measure(job, model)
        checks = calibration.count_checks(made)
        tolerances = place(model, harmless, faults, checks=checks, environment=environment())
        path = made.goldens / model / "tolerances.json"
        tolerances.save(path, reason)
        click.echo(str(path))


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
def init(folder: Path) -> None:
    """Write a commented sdqa.toml to start from."""
    from sdqa.plan import shipped_suites

    target = folder / "sdqa.toml"
    if target.exists():
        raise click.UsageError(f"{target} is there already")
    target.write_bytes(shipped_suites()["starter"].read_bytes())
    click.echo(str(target))


@cli.command()
@click.argument("what", type=click.Choice(["run", "suite"]))
def schema(what: str) -> None:
    """Print the JSON Schema of a bundle's run.json or of sdqa.toml."""
    from sdqa.bundle import Run
    from sdqa.plan import Suite

    click.echo(json.dumps((Run if what == "run" else Suite).model_json_schema(), indent=1, sort_keys=True))


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


cli.add_command(LazyGroup("sdqa.mil.cli", "mil_group", name="mil", help="Inspect, run, profile and compare packages."))


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code."""
    try:
        cli.main(args=list(arguments), prog_name="sdqa", standalone_mode=False)
    except SdqaError as error:
        if os.environ.get("SDQA_TRACEBACK"):
            raise
        click.echo(f"error {error}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return EXIT_INTERRUPTED
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def _plan(suite: str | None, lanes: tuple[str, ...]) -> Any:
    from sdqa.plan import find_suite, load_suite, make_plan

    path = find_suite(suite)
    return make_plan(load_suite(path), path, only=lanes)


def _check_fault(fault: str | None) -> None:
    if fault is not None:
        from sdqa.faults import injection

        injection(fault)


def _pytest(
    suite: Path,
    lanes: tuple[str, ...],
    fault: str | None,
    output: Path,
    store: Path,
    extra: tuple[str, ...],
    *,
    quiet: bool,
) -> int:
    """Run pytest over the suite in this process, with a configuration of its own."""
    import contextlib

    import pytest

    configuration = Path(__file__).parent / "suites" / "pytest.ini"
    arguments = [str(suite), "-c", str(configuration), f"--rootdir={suite.resolve().parent}", f"--sdqa-suite={suite}"]
    arguments += [f"--sdqa-output={output}", f"--sdqa-store={store}", *(f"--sdqa-lane={lane}" for lane in lanes)]
    arguments += [f"--sdqa-fault={fault}"] if fault else []
    if not _plugin_is_installed():
        arguments += ["-p", "sdqa.pytest_plugin"]
    with contextlib.redirect_stdout(sys.stderr) if quiet else contextlib.nullcontext():
        return int(pytest.main([*arguments, *extra]))


def _plugin_is_installed() -> bool:
    """Whether pytest finds the plugin by itself (it does unless sdqa runs from a source tree)."""
    import importlib.metadata

    points = importlib.metadata.entry_points(group="pytest11")
    return any(point.value == "sdqa.pytest_plugin" for point in points)


def _stage(name: str, suite: str | None, lanes: tuple[str, ...], store: Path, fault: str | None, as_json: bool) -> None:
    from sdqa.progress import reporting
    from sdqa.stages import run_stage

    with reporting() as progress:
        data = run_stage(name, _plan(suite, lanes), store, fault, progress)
    click.echo(json.dumps(data, indent=1, sort_keys=True) if as_json else "\n".join(map(str, data["lines"])))
    if data["failures"]:
        click.echo("\n".join(data["failures"]), err=True)
        sys.exit(data["exit_code"])
