"""`pytest sdqa.toml`: every check of a suite is a test item.

Items are called `<model>/<variant>/<case>/<metric>`, so `-k`, `-x`, `--lf`, `-n` and `--junitxml` do what people
expect. A lane runs when its first item does; everything expensive comes from the store, so the workers of `-n` share
it. At the end the bundle and the report are written and pytest's exit status becomes sdqa's: 0 pass, 1 gate failed,
2 usage, 3 infrastructure, 4 evidence incomplete, 130 interrupted. (A command line that pytest itself refuses has no
session; `sdqa qa` turns that into 2.)
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sdqa.errors import EXIT_INTERRUPTED, SdqaError, worst
from sdqa.pytest_status import FINAL, OUTCOMES, REFUSED, REPORTED, Outcomes, exit_code_of

if TYPE_CHECKING:
    from sdqa.bundle import Lane, Run, Verdict
    from sdqa.bundle.diagnosis import Diagnosis
    from sdqa.plan import PlannedLane
    from sdqa.workflow.job import Job

DEFAULT_OUTPUT = Path(".sdqa") / "report"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the suite; `sdqa qa` sets them."""
    group = parser.getgroup("sdqa", "quality gate for Core ML diffusion pipelines (pytest sdqa.toml)")
    group.addoption(
        "--sdqa-lane", action="append", default=[], metavar="LANE", help="only lanes that match (repeatable)"
    )
    group.addoption("--sdqa-fault", default=None, metavar="FAULT", help="plant a fault, to see the gate turn red")
    group.addoption(
        "--sdqa-output", default=None, metavar="DIR", help=f"the bundle's folder (default {DEFAULT_OUTPUT})"
    )
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
    lanes: dict[str, Lane]
    crashes: dict[str, Exception]  # lanes that ended in an error that sdqa does not know
    checks: int  # that are planned, before any selection

    def collect(self) -> Iterator[CheckItem]:
        """One item a planned check."""
        from sdqa.workflow.gate import planned_checks

        try:
            self.job = self._job()
            planned = [(lane, check) for lane in self.job.plan.running for check in planned_checks(self.job.plan, lane)]
        except SdqaError as error:
            self.config.stash[REFUSED] = error
            raise self.CollectError(str(error)) from error
        self.lanes, self.crashes, self.checks = {}, {}, len(planned)
        suites(self.config).append(self)
        for lane, check in planned:
            yield CheckItem.from_parent(self, name=check, lane=lane)

    def _job(self) -> Job:
        from sdqa.progress import Lines, Silent
        from sdqa.store import DEFAULT_ROOT
        from sdqa.workflow import prepare

        option = self.config.getoption
        store = Path(option("--sdqa-store") or self.path.parent / DEFAULT_ROOT)
        output = Path(option("--sdqa-output") or self.path.parent / DEFAULT_OUTPUT)
        quiet = is_worker(self.config) or self.config.get_verbosity() < -1
        progress = Silent() if quiet else Lines()
        return prepare(self.path, store, output, option("--sdqa-lane"), option("--sdqa-fault") or "", progress)

    def run(self, lane: PlannedLane) -> Lane:
        """The lane's evidence and verdicts, computed once a process."""
        if lane.id in self.crashes:
            raise self.crashes[lane.id]
        if lane.id not in self.lanes:
            from sdqa import workflow

            try:
                with uncaptured(self.config):
                    self.lanes[lane.id] = workflow.run_lane(self.job, lane)
            except Exception as error:
                self.crashes[lane.id] = error
                raise
        return self.lanes[lane.id]


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

        record = self.parent.run(self.lane)
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
RUNS = pytest.StashKey[list["Reported"]]()
SENTENCES = pytest.StashKey[list[str]]()
"""What is to be said at the end besides."""


def pytest_configure(config: pytest.Config) -> None:
    """Start listening."""
    config.stash[OUTCOMES] = outcomes = Outcomes()
    config.pluginmanager.register(outcomes, "sdqa-outcomes")


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


@dataclass(frozen=True)
class Reported:
    """One suite's run, as it was written."""

    run: Run
    folder: Path
    diagnoses: tuple[Diagnosis, ...]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write bundle and report, and turn pytest's exit status into sdqa's."""
    config = session.config
    ours = suites(config) or REFUSED in config.stash or config.getoption("--sdqa-suite")
    if not ours or is_worker(config):
        return
    items = [item for item in session.items if isinstance(item, CheckItem)]
    if not suites(config) and config.pluginmanager.hasplugin("dsession"):
        items = distributed_items(session)
    codes = [exit_code_of(exitstatus, config.stash)]
    if not config.getoption("--collect-only"):
        whole = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        for suite in suites(config):
            selected = {item.name: item for item in items if item.parent is suite}
            if selected:
                done = report_suite(suite, selected, codes[0], whole=whole)
                config.stash.setdefault(RUNS, []).append(done)
                config.stash[REPORTED] = True
                codes.append(done.run.exit_code)
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        config.stash[SENTENCES] = [nothing_selected(config, suite) for suite in suites(config)]
    if REFUSED in config.stash:
        config.stash[SENTENCES] = [f"error {config.stash[REFUSED]}"]
    config.stash[FINAL] = session.exitstatus = worst(codes)


def distributed_items(session: pytest.Session) -> list[CheckItem]:
    """The items that pytest-xdist's workers ran; this process, which gave them out, collected none of its own."""
    seen = session.config.stash[OUTCOMES].seen
    found: list[CheckItem] = []
    for argument in session.config.args:
        path = Path(str(argument).split("::", 1)[0]).resolve()
        suite = pytest_collect_file(path, session)
        with suppress(pytest.Collector.CollectError):  # kept as REFUSED, as in the workers
            found += [item for item in suite.collect() if item.nodeid in seen] if suite else []
    return found


def report_suite(suite: SuiteFile, selected: Mapping[str, CheckItem], ended: int, *, whole: bool) -> Reported:
    """Write a suite's bundle and report.

    Args:
        selected: the checks that were to run.
        ended: how the session ended, verdicts apart.
        whole: whether it went to its end; otherwise only the lanes that ran by then are reported.
    """
    from sdqa.workflow.diagnose import explain_failures
    from sdqa.workflow.report import report

    checks = frozenset(selected)
    if whole:  # after -n the workers left everything in the store
        names = {item.lane.id for item in selected.values()}
        wanted = [lane for lane in suite.job.plan.running if lane.id in names and lane.id not in suite.crashes]
        lanes = [suite.run(lane) for lane in wanted]
    else:
        lanes = list(suite.lanes.values())
    diagnoses: tuple[Diagnosis, ...] = ()
    if suite.config.getoption("--sdqa-diagnose") and whole:
        with uncaptured(suite.config):
            diagnoses = explain_failures(suite.job, lanes, checks)
    interrupted = ended == EXIT_INTERRUPTED
    crashed = bool(suite.crashes) or not (whole or interrupted)
    run = report(suite.job, lanes, checks=checks, interrupted=interrupted, crashed=crashed, diagnoses=diagnoses)
    return Reported(run, suite.job.bundle.folder, diagnoses)


def nothing_selected(config: pytest.Config, suite: SuiteFile) -> str:
    """Why no check ran: a sentence that names the option."""
    if not suite.checks:
        return f"no lane of {suite.path.name} runs on this machine: `sdqa plan` says why"
    options = [("-k", config.option.keyword), ("-m", config.option.markexpr)]
    chosen = " and ".join(f"{option} {value}" for option, value in options if value) or "the selection"
    return f"{chosen} selected none of the {suite.checks} checks"


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The table of lanes and where the report is."""
    import traceback

    from sdqa.report import terminal

    for suite in suites(config):
        for lane, error in suite.crashes.items():
            terminalreporter.write_line(f"{lane}: an error that sdqa does not know:")
            terminalreporter.write_line("".join(traceback.format_exception(error)))
    for done in config.stash.get(RUNS, []):
        terminalreporter.write_line("")
        terminal.print_run(done.run, terminal.console_for(terminalreporter._tw._file))
        for diagnosis in done.diagnoses:
            terminalreporter.write_line("")
            terminalreporter.write_line(f"diagnosis of {diagnosis.lane}")
            terminalreporter.write_line(diagnosis.verdict)
        terminalreporter.write_line(f"report: {done.folder / 'index.html'}")
    for sentence in config.stash.get(SENTENCES, []):
        terminalreporter.write_line(sentence)
