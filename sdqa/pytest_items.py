"""The suite as pytest sees it: a file of checks, and which process runs them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sdqa.endings import in_words
from sdqa.errors import SdqaError
from sdqa.pytest_status import OUTCOMES, REFUSED

if TYPE_CHECKING:
    from sdqa.bundle import Verdict
    from sdqa.plan import PlannedLane
    from sdqa.workflow.ending import EndedLane
    from sdqa.workflow.job import Job
    from sdqa.workflow.place import Place

HOME = ".sdqa"
RUN_NAME = "sdqa_run"
"""The run's name, as workers are told it."""


def collect_suite(file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
    """A file as a suite, when it is one that is wanted and asked for."""
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
        from sdqa.store import Store, StorePlace
        from sdqa.workflow.job import prepare
        from sdqa.workflow.place import Place

        option = self.config.getoption
        home = Path(option("--sdqa-home") or self.path.parent / HOME)
        self.place = Place.of(option("--sdqa-output"), home, run_name(self.config))
        quiet = is_worker(self.config) or self.config.get_verbosity() < -1
        progress = Silent() if quiet else Lines()
        prefix, read_only = option("--sdqa-store-prefix"), option("--sdqa-store-read-only")
        store = StorePlace.parse(option("--sdqa-store") or str(home / "store"), prefix, read_only=read_only)
        lanes, fault = option("--sdqa-lane"), option("--sdqa-fault") or ""
        unit = option("--sdqa-unit") or ""
        return prepare(self.path, Store(store), self.place.folder, lanes, fault, progress, unit)

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
        option = self.config.getoption
        return selected == self.checks and not option("--sdqa-lane") and not option("--sdqa-unit")


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
NAME = pytest.StashKey[str]()


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


def distributed_items(session: pytest.Session) -> list[CheckItem]:
    """The items that were given to pytest-xdist's workers; this process, which gave them out, collected none itself."""
    outcomes = session.config.stash[OUTCOMES]
    wanted = outcomes.given or outcomes.seen
    found: list[CheckItem] = []
    for path in dict.fromkeys(Path(str(argument).split("::", 1)[0]).resolve() for argument in session.config.args):
        suite = collect_suite(path, session)
        with suppress(pytest.Collector.CollectError):  # kept as REFUSED, as in the workers
            found += [item for item in suite.collect() if item.nodeid in wanted] if suite else []
    return found
