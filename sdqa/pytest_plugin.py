"""`pytest sdqa.toml`: every check of a suite is a test item.

Items are called `<model>/<variant>/<case>/<metric>`, so `-k`, `-x`, `--lf`, `-n` and `--junitxml` do what people
expect. A lane runs when its first item does; everything expensive comes from the store, so the workers of `-n` share
it. At the end the bundle and the report are written and pytest's exit status becomes sdqa's: 0 pass, 1 gate failed,
2 usage, 3 infrastructure, 4 evidence incomplete, 130 interrupted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sdqa.errors import EXIT_INFRASTRUCTURE, EXIT_INTERRUPTED, EXIT_PASS, SdqaError

if TYPE_CHECKING:
    from sdqa.bundle import Lane, Verdict
    from sdqa.plan import PlannedLane
    from sdqa.workflow import Job

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


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
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

    def collect(self) -> Iterator[pytest.Item]:
        """One item a planned check."""
        from sdqa.workflow import planned_checks

        self.job = self._job()
        self.lanes, self.crashes = {}, {}
        suites(self.config).append(self)
        for lane in self.job.plan.running:
            for check in planned_checks(self.job.plan, lane):
                yield CheckItem.from_parent(self, name=check, lane=lane)

    def _job(self) -> Job:
        from sdqa.bundle import Bundle
        from sdqa.plan import load_suite, make_plan
        from sdqa.progress import Lines, Silent
        from sdqa.store import DEFAULT_ROOT, Store
        from sdqa.workflow import Job
        from sdqa.workflow.words import require_known_metrics

        option = self.config.getoption
        try:
            plan = make_plan(load_suite(self.path), self.path, only=tuple(option("--sdqa-lane")))
            require_known_metrics(plan)
            fault = None
            if option("--sdqa-fault"):
                from sdqa.faults import injection

                fault = injection(option("--sdqa-fault"))
        except SdqaError as error:
            self.config.stash[EXIT] = error.exit_code
            raise pytest.UsageError(str(error)) from error
        store = Store(Path(option("--sdqa-store") or self.path.parent / DEFAULT_ROOT))
        folder = Path(option("--sdqa-output") or self.path.parent / DEFAULT_OUTPUT)
        quiet = is_worker(self.config) or self.config.get_verbosity() < -1
        return Job(plan, store, Bundle(folder), fault, Silent() if quiet else Lines())

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
OUTCOMES = pytest.StashKey["Outcomes"]()
EXIT = pytest.StashKey[int]()
RUNS = pytest.StashKey[list[Any]]()


class Outcomes:
    """Listens to the items' reports, from this process and from workers."""

    def __init__(self) -> None:
        self.statuses: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember the status of a check; what failed without one is not the gate's doing."""
        if report.when == "call":
            statuses = [str(value) for name, value in report.user_properties if name == "sdqa_status"]
            self.statuses.update(statuses or (["error"] if report.failed else []))
        elif report.failed:
            self.statuses.add("error")


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


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write bundle and report, and turn pytest's exit status into sdqa's."""
    config = session.config
    if config.stash.get(EXIT, None) is not None:
        session.exitstatus = config.stash[EXIT]
    if not suites(config) or is_worker(config) or config.getoption("--collect-only"):
        return
    from sdqa import workflow

    interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
    codes = []
    for suite in suites(config):
        selected = {item.name: item for item in session.items if isinstance(item, CheckItem) and item.parent is suite}
        if interrupted:
            lanes = list(suite.lanes.values())
        else:  # after -n the workers left everything in the store
            names = {item.lane.id for item in selected.values()}
            wanted = [lane for lane in suite.job.plan.running if lane.id in names and lane.id not in suite.crashes]
            lanes = [suite.run(lane) for lane in wanted]
        diagnosis = None
        if config.getoption("--sdqa-diagnose") and not interrupted:
            with uncaptured(config):
                diagnosis = explain_failure(suite.job, lanes, frozenset(selected))
        run = workflow.report(
            suite.job,
            lanes,
            checks=frozenset(selected),
            interrupted=interrupted,
            crashed=bool(suite.crashes),
            diagnosis=diagnosis,
        )
        config.stash.setdefault(RUNS, []).append((run, suite.job.bundle.folder))
        codes.append(run.exit_code)
    if interrupted:
        session.exitstatus = EXIT_INTERRUPTED
    elif exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        unexpected = "error" in config.stash[OUTCOMES].statuses
        session.exitstatus = EXIT_INFRASTRUCTURE if unexpected else min((c for c in codes if c), default=EXIT_PASS)


def explain_failure(job: Job, lanes: list[Lane], checks: frozenset[str]) -> dict[str, Any] | None:
    """The diagnosis of the first lane that failed in something that a component can be to blame for."""
    for lane in lanes:
        failed = [v for v in lane.verdicts if v.status == "fail" and v.check in checks and "/budget/" not in v.check]
        planned = [one for one in job.plan.running if one.id == lane.id]
        if failed and planned:
            from sdqa.workflow.diagnose import diagnose_lane

            try:
                found: dict[str, Any] = diagnose_lane(job, planned[0], sweep=False).to_json()
            except SdqaError as error:
                return {"lane": lane.id, "verdict": f"not diagnosed: {error}"}
            return found
    return None


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The table of lanes and where the report is."""
    import traceback

    from sdqa.report import terminal

    for suite in suites(config):
        for lane, error in suite.crashes.items():
            terminalreporter.write_line(f"{lane}: an error that sdqa does not know:")
            terminalreporter.write_line("".join(traceback.format_exception(error)))
    for run, folder in config.stash.get(RUNS, []):
        terminalreporter.write_line("")
        terminal.print_run(run, terminal.console_for(terminalreporter._tw._file))
        if run.diagnosis:
            terminalreporter.write_line("")
            terminalreporter.write_line(f"diagnosis of {run.diagnosis.get('lane', '')}")
            terminalreporter.write_line(str(run.diagnosis.get("verdict", "")))
        terminalreporter.write_line(f"report: {folder / 'index.html'}")
