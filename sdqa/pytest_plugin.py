"""`pytest sdqa.toml`: every check of a suite is a test item.

Items are called `<model>/<variant>/<case>/<metric>`, so `-k`, `-x`, `--lf`, `-n`, node ids and `--junitxml` do what
people expect. A lane runs when its first item does; everything expensive comes from the store, so the workers of `-n`
share it. At the end the bundle and the report are written and pytest's exit status becomes sdqa's: 0 pass, 1 gate
failed, 2 usage, 3 infrastructure, 4 evidence incomplete, 130 interrupted. (A command line that pytest itself refuses
has no session; `sdqa qa` turns that into 2.)
"""

from __future__ import annotations

import signal
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sdqa.endings import in_words
from sdqa.errors import SdqaError, Unforeseen, worst
from sdqa.pytest_items import (
    RUN_NAME,
    CheckItem,
    SuiteFile,
    collect_suite,
    distributed_items,
    is_worker,
    run_name,
    suites,
    uncaptured,
)
from sdqa.pytest_session import ENDED, Left, Session, collected_lanes, conclude
from sdqa.pytest_status import FINAL, FOLDER, OUTCOMES, REFUSED, Outcomes, exit_code_of


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the suite; `sdqa qa` sets them."""
    group = parser.getgroup("sdqa", "quality gate for Core ML diffusion pipelines (pytest sdqa.toml)")
    group.addoption(
        "--sdqa-lane", action="append", default=[], metavar="LANE", help="only lanes that match (repeatable)"
    )
    group.addoption("--sdqa-unit", default=None, metavar="UNIT", help="only a unit: LANE, LANE:1/3, any:1/3")
    group.addoption("--sdqa-fault", default=None, metavar="FAULT", help="plant a fault, to see the gate turn red")
    group.addoption(
        "--sdqa-output",
        default=None,
        metavar="DIR",
        help="the bundle's folder (default: .sdqa/report for a full run, .sdqa/runs/... for another)",
    )
    group.addoption("--sdqa-home", default=None, metavar="DIR", help="what .sdqa means (default: beside the suite)")
    group.addoption(
        "--sdqa-store", default=None, metavar="DIR", help="the store's folder (default .sdqa/store), or URL"
    )
    group.addoption("--sdqa-store-prefix", default="", metavar="PREFIX", help="of a shared store: what is written")
    group.addoption("--sdqa-store-read-only", action="store_true", help="write nothing into a shared store")
    group.addoption("--sdqa-diagnose", action="store_true", help="when the gate fails, find out what broke")
    group.addoption("--sdqa-suite", default=None, metavar="FILE", help="a suite by another name than sdqa.toml")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
    """Suites are collected when they are named sdqa.toml or given with --sdqa-suite, and asked for."""
    return collect_suite(file_path, parent)


RUNS = pytest.StashKey[list[Left]]()
SENTENCES = pytest.StashKey[list[str]]()
"""What is to be said at the end besides."""


def pytest_configure(config: pytest.Config) -> None:
    """Start listening."""
    config.stash[OUTCOMES] = outcomes = Outcomes()
    config.pluginmanager.register(outcomes, "sdqa-outcomes")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist what this run is called."""
    node.workerinput[RUN_NAME] = run_name(node.config)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """A CI job that is cancelled is terminated: it ends as after Ctrl-C, with a bundle that says so.

    A folder that was named is this run's from now on: whatever ends it, an earlier verdict is not read as its own.
    """
    config = session.config
    if suites(config) or REFUSED in config.stash or config.getoption("--sdqa-suite"):
        with suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        output = config.getoption("--sdqa-output")
        if output and not config.getoption("--collect-only") and not is_worker(config):
            withdraw(Path(output))


def pytest_report_teststatus(report: pytest.CollectReport | pytest.TestReport) -> tuple[str, str, str] | None:
    """What was not measured did not fail."""
    if report.when == "call" and ("sdqa_status", "not measured") in report.user_properties:
        return "not measured", "?", "NOT MEASURED"
    return None


def withdraw(folder: Path) -> None:
    """Take an earlier run's verdict out of a folder.

    Raises:
        pytest.UsageError: it cannot be removed.
    """
    from sdqa.bundle import Bundle

    try:
        Bundle(folder).withdraw()
    except SdqaError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write bundle and report, and turn pytest's exit status into sdqa's."""
    config = session.config
    ours = suites(config) or REFUSED in config.stash or config.getoption("--sdqa-suite")
    if not ours or is_worker(config):
        return
    outcomes = config.stash[OUTCOMES]
    ended = Session(
        interrupted=exitstatus == pytest.ExitCode.INTERRUPTED and not outcomes.uncollected,
        stopped=str(session.shouldstop or session.shouldfail or ""),
        distributed=config.pluginmanager.hasplugin("dsession"),
        lost=tuple(outcomes.lost),
    )
    items = [item for item in session.items if isinstance(item, CheckItem)]
    if ended.distributed and not suites(config):
        items = distributed_items(session)
    codes: list[int] = []
    if not config.getoption("--collect-only"):
        for suite in suites(config):
            selected = {item.name: item.lane.id for item in items if item.parent is suite}
            if selected:
                left = leave(suite, selected, ended)
                config.stash.setdefault(RUNS, []).append(left)
                if left.written:
                    config.stash[FOLDER] = left.folder
                codes.append(left.exit_code)
    if not (codes and ended.distributed and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)):
        codes.append(exit_code_of(exitstatus, config.stash))  # of workers, what the store has says more
    sentences = config.stash.setdefault(SENTENCES, [])
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        sentences += [nothing_selected(config, suite) for suite in suites(config)]
    elif ended.interrupted and not config.stash.get(RUNS, []):
        sentences.append("interrupted before the first case")
    if REFUSED in config.stash:
        sentences[:] = [f"error {config.stash[REFUSED]}"]
    config.stash[FINAL] = session.exitstatus = worst(codes)


def leave(suite: SuiteFile, selected: dict[str, str], ended: Session) -> Left:
    """Write what a suite's run leaves.

    Args:
        selected: the checks that were to run, with their lanes.
    """
    with uncaptured(suite.config):
        lanes = collected_lanes(suite.job, suite.ran, tuple(selected.values()), ended)
    early = any(failure.code in ENDED for lane in lanes for failure in lane.failures)
    return conclude(
        suite.job,
        suite.place,
        lanes,
        frozenset(selected),
        ended,
        full=suite.is_full(len(selected)) and not early,
        diagnose=suite.config.getoption("--sdqa-diagnose") and not early,
        uncaptured=lambda: uncaptured(suite.config),
    )


def nothing_selected(config: pytest.Config, suite: SuiteFile) -> str:
    """Why no check ran: a sentence that names the option."""
    if not suite.checks:
        return f"no lane of {suite.path.name} runs on this machine: `sdqa plan` says why"
    options = [("-k", config.option.keyword), ("-m", config.option.markexpr)]
    chosen = " and ".join(f"{option} {value}" for option, value in options if value) or "the selection"
    return f"{chosen} selected none of the {suite.checks} checks"


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """The last words: what crashed, once; the tables, short unless -v; and, last of all, the verdict."""
    reporter: Any = config.pluginmanager.getplugin("terminalreporter")
    if reporter is None or is_worker(config) or FINAL not in config.stash:
        return
    from sdqa.report import terminal

    crashes: dict[str, BaseException] = {}
    for suite in suites(config):
        for ended in suite.ran.values():
            if ended.by is not None and isinstance(in_words(ended.by), Unforeseen):
                crashes.setdefault(str(in_words(ended.by)), ended.by)  # of every kind one, however many lanes it hit
    for error in crashes.values():
        reporter.write_line("".join(traceback.format_exception(error)))
    for sentence in config.stash.get(SENTENCES, []):
        reporter.write_line(sentence)
    console = terminal.console_for(reporter._tw._file)
    asked = -1 if config.getoption("--sdqa-suite") else 0  # `sdqa qa` runs pytest with -q
    for left in config.stash.get(RUNS, []):
        reporter.write_line("")
        terminal.print_details(left.run, console, whole=config.get_verbosity() > asked)
        for diagnosis in left.diagnoses:
            reporter.write_line(f"diagnosis of {diagnosis.lane}")
            reporter.write_line(f"{diagnosis.verdict}\n")
        for remark in left.remarks:
            reporter.write_line(remark)
        reporter.write_line(left.where)
        terminal.print_verdict(left.run, console)
