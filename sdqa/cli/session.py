"""A suite's run in this process: pytest over the suite, and how its session ended."""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sdqa.cli.options import described, look_at_models, resolve_plan
from sdqa.store.place import StorePlace

if TYPE_CHECKING:
    import pytest


def run_suite(
    suite: str | None,
    lanes: tuple[str, ...],
    unit: str,
    fault: str | None,
    output: Path | None,
    store: StorePlace,
    extra: tuple[str, ...],
    *,
    diagnose: bool,
    as_json: bool,
) -> int:
    """Say what is planned, run it, and leave bundle and report; the exit code.

    Args:
        unit: what one of several jobs runs, see `sdqa.plan.parts`; empty for all.
        extra: further arguments of pytest.
    """
    from sdqa.bundle import Bundle
    from sdqa.plan import only_unit
    from sdqa.workflow.preflight import look_at_pictures

    made = resolve_plan(suite, lanes)
    if unit:
        made = only_unit(made, unit)
    check_fault(fault)
    click.echo(described(made, look_at_models(made), look_at_pictures(made).notes), err=as_json)
    cache = ("-o", f"cache_dir={made.root.resolve() / '.sdqa' / 'pytest_cache'}")  # not beside a suite that sdqa ships
    more = (*cache, *(["--sdqa-diagnose"] if diagnose else []), *([f"--sdqa-unit={unit}"] if unit else []), *extra)
    session = SessionEnd()
    status = run_pytest(made.suite_path, lanes, fault, output, store, more, session, quiet=as_json)
    if as_json and session.folder is not None:  # otherwise what lies there is another run's
        click.echo(json.dumps(Bundle(session.folder).read().to_json(), sort_keys=True))
    return status


def check_fault(fault: str | None) -> None:
    if fault is not None:
        from sdqa.faults import injection

        injection(fault)


def run_pytest(
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
    if any(argument.startswith(("-n", "--numprocesses")) for argument in extra):
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # workers take a core each, and inherit this
    arguments += ["--assert=plain", *(f"-pno:{name}" for name in _idle_plugins(extra))]
    # Where nothing can be written, the run's own last words say so; pytest's would be about its cache.
    warnings.filterwarnings("ignore", category=pytest.PytestCacheWarning)
    with contextlib.redirect_stdout(sys.stderr) if quiet else contextlib.nullcontext():
        status = int(pytest.main([*arguments, *extra], plugins=[session]))
    if session.code is not None:
        return session.code
    return EXIT_USAGE if status else EXIT_PASS


IDLE_PLUGINS = ("hypothesispytest", "unraisableexception")
"""Of pytest's plugins those that a suite has no use for, and that cost it seconds: its items are no functions."""


def _idle_plugins(extra: tuple[str, ...]) -> tuple[str, ...]:
    """The plugins to leave out; logs are caught for every single item, so only where somebody asks for them."""
    asked = any("log" in argument for argument in extra)
    return IDLE_PLUGINS if asked else (*IDLE_PLUGINS, "logging")


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
