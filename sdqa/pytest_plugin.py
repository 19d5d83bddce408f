"""`pytest sdqa.toml`: every check of a suite is a test item.

Items are called `<model>/<variant>/<case>/<metric>`, so `-k`, `-x`, `--lf`, `-n`, node ids and `--junitxml` do what
people expect. A lane runs when its first item does; everything expensive comes from the store, so the workers of `-n`
share it. At the end the bundle and the report are written and pytest's exit status becomes sdqa's: 0 pass, 1 gate
failed, 2 usage, 3 infrastructure, 4 evidence incomplete, 130 interrupted. (A command line that pytest itself refuses
has no session; `sdqa qa` turns that into 2.)
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sdqa.endings import in_words
from sdqa.errors import SdqaError, Unforeseen, worst
from sdqa.pytest_session import ENDED, Left, Session, collected_lanes, conclude
from sdqa.pytest_status import FINAL, FOLDER, OUTCOMES, REFUSED, Outcomes, exit_code_of

if TYPE_CHECKING:
    from sdqa.bundle import Verdict
    from sdqa.plan import PlannedLane
    from sdqa.workflow.ending import EndedLane
    from sdqa.workflow.job import Job
    from sdqa.workflow.place import Place

HOME = ".sdqa"
RUN_NAME = "sdqa_run"
"""The run's name, as workers are told it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the suite; `sdqa qa` sets them."""
    group = parser.getgroup("sdqa", "quality gate for Core ML diffusion pipelines (pytest sdqa.toml)")
    group.addoption(
        "--sdqa-lane", action="append", default=[], metavar="LANE", help="only lanes that match (repeatable)"
    )
    group.addoption("--sdqa-fault", default=None, metavar="FAULT", help="plant a fault, to see the gate turn red")
    group.addoption(
        "--sdqa-output",
        default=None,
        metavar="DIR",
        help="the bundle's folder (default: .sdqa/report for a full run, .sdqa/runs/... for another)",
    )
    group.addoption("--sdqa-home", default=None, metavar="DIR", help="what .sdqa means (default: beside the suite)")
    group.addoption("--sdqa-store", default=None, metavar="DIR", help="the store's folder (default .sdqa/store)")
    group.addoption("--sdqa-diagnose", action="store_true", help="when the gate fails, find out what broke")
    group.addoption("--sdqa-suite", default=None, metavar="FILE", help="a suite by another name than sdqa.toml")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
    """Suites are collected when they are named sdqa.toml or given with --sdqa-suite, and asked for."""
    chosen = parent.config.getoption("--sdqa-suite")
    wanted = file_path == Path(chosen).resolve() if chosen else file_path.name == "sdqa.toml"
    asked_for = any(Path(str(argument).split("::", 1)[0]).resolve() == file_path for argument in parent.config.args)
    return SuiteFile.from_parent(parent, path=file_path) if wanted and asked_for else None


class SuiteFile(pytest.File):
    """One suite: plans at collection, runs a lane when it is first needed."""

    job: Job
    place: Place
    ran: dict[str, EndedLane]  # by lane
    checks: int  # that are planned, before any selection

    def collect(self) -> Iterator[CheckItem]:
        """One item a planned check."""
        from sdqa.workflow.gate import planned_checks

        try:
            self.job = self._job()
            planned = [(lane, check) for lane in self.job.plan.running for check in planned_checks(self.job.plan, lane)]
        except (SdqaError, OSError) as error:
            self.config.stash[REFUSED] = in_words(error)
            raise self.CollectError(str(in_words(error))) from error
        self.ran, self.checks = {}, len(planned)
        suites(self.config).append(self)
        for lane, check in planned:
            yield CheckItem.from_parent(self, name=check, lane=lane)

    def _job(self) -> Job:
        from sdqa.progress import Lines, Silent
        from sdqa.workflow import prepare
        from sdqa.workflow.place import Place

        option = self.config.getoption
        home = Path(option("--sdqa-home") or self.path.parent / HOME)
        self.place = Place.of(option("--sdqa-output"), home, run_name(self.config))
        quiet = is_worker(self.config) or self.config.get_verbosity() < -1
        progress = Silent() if quiet else Lines()
        store = Path(option("--sdqa-store") or home / "store")
        lanes, fault = option("--sdqa-lane"), option("--sdqa-fault") or ""
        return prepare(self.path, store, self.place.folder, lanes, fault, progress)

    def run(self, lane: PlannedLane) -> EndedLane:
        """The lane's evidence and verdicts, computed once a process. What ends it early ends the session."""
        if lane.id not in self.ran:
            from sdqa.workflow.ending import run_to_an_end

            with uncaptured(self.config):
                self.ran[lane.id] = run_to_an_end(self.job, lane)
            if self.ran[lane.id].interrupted:
                self.session.shouldstop = "interrupted"
        return self.ran[lane.id]

    def is_full(self, selected: int) -> bool:
        """Whether a selection is all that the suite has on this machine."""
        return selected == self.checks and not self.config.getoption("--sdqa-lane")


class CheckItem(pytest.Item):
    """One check of one lane."""

    parent: SuiteFile

    def __init__(self, *, lane: PlannedLane, **rest: Any) -> None:
        super().__init__(**rest)
        self.lane = lane

    def runtest(self) -> None:
        """Fails unless the verdict is pass or suspicious."""
        verdict = self.verdict()
        self.user_properties.append(("sdqa_status", verdict.status))
        if verdict.status in ("fail", "not measured"):
            raise CheckFailed(verdict)

    def verdict(self) -> Verdict:
        """The gate's verdict on this check; a check without one was not measured."""
        from sdqa.bundle import Verdict

        record = self.parent.run(self.lane).lane
        for verdict in record.verdicts:
            if verdict.check == self.name:
                return verdict
        reason = "; ".join(failure.message for failure in record.failures) or "the gate gave no verdict"
        return Verdict(check=self.name, metric=self.name.rsplit("/", 1)[-1], status="not measured", reason=reason)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The verdict in words; a traceback only for what sdqa did not expect."""
        if isinstance(excinfo.value, CheckFailed | SdqaError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Where the check comes from, for pytest's reports."""
        return self.path, None, self.name


class CheckFailed(Exception):
    """A verdict that is not a pass."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        super().__init__(f"{verdict.status}: {verdict.reason}")


SUITES = pytest.StashKey[list[SuiteFile]]()
RUNS = pytest.StashKey[list[Left]]()
NAME = pytest.StashKey[str]()
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
    """A CI job that is cancelled is terminated: it ends as after Ctrl-C, with a bundle that says so."""
    if suites(session.config) or session.config.getoption("--sdqa-suite"):
        with suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_report_teststatus(report: pytest.CollectReport | pytest.TestReport) -> tuple[str, str, str] | None:
    """What was not measured did not fail."""
    if report.when == "call" and ("sdqa_status", "not measured") in report.user_properties:
        return "not measured", "?", "NOT MEASURED"
    return None


def run_name(config: pytest.Config) -> str:
    """What this run is called, the same in all its processes."""
    if is_worker(config):
        return str(getattr(config, "workerinput")[RUN_NAME])  # noqa: B009 - pytest-xdist's own attribute
    if NAME not in config.stash:
        from sdqa.workflow.place import name_run

        config.stash[NAME] = name_run()
    return config.stash[NAME]


def suites(config: pytest.Config) -> list[SuiteFile]:
    """The suites that were collected."""
    return config.stash.setdefault(SUITES, [])


def uncaptured(config: pytest.Config) -> AbstractContextManager[None]:
    """Let progress through to the terminal, past pytest's capture."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    return capture.global_and_fixture_disabled() if capture else nullcontext()


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is one of pytest-xdist's."""
    return hasattr(config, "workerinput")


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


def distributed_items(session: pytest.Session) -> list[CheckItem]:
    """The items that were given to pytest-xdist's workers; this process, which gave them out, collected none itself."""
    outcomes = session.config.stash[OUTCOMES]
    wanted = outcomes.given or outcomes.seen
    found: list[CheckItem] = []
    for path in dict.fromkeys(Path(str(argument).split("::", 1)[0]).resolve() for argument in session.config.args):
        suite = pytest_collect_file(path, session)
        with suppress(pytest.Collector.CollectError):  # kept as REFUSED, as in the workers
            found += [item for item in suite.collect() if item.nodeid in wanted] if suite else []
    return found


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
