"""The pytest plugin that runs coremltools' tests on the reference runtime; loaded by `sdqa.mil.conformance`.

What to run and where to write comes through the environment, as the plugin is alone in its process:
SDQA_CONFORMANCE_SAMPLE (0: all), SDQA_CONFORMANCE_SEED, SDQA_CONFORMANCE_ONLY (a regular expression),
SDQA_CONFORMANCE_RESULTS (a file).
"""

from __future__ import annotations

import os
import re
import time
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdqa import compat
from sdqa.errors import UnsupportedPackage
from sdqa.mil.conformance import exclusions, outcome, selection

compat.prepare_torchvision()

from sdqa.mil import coremltools_backend  # noqa: E402  torchvision must be prepared before coremltools looks for it

coremltools_backend.install(everywhere=True)


class OutcomeRecorder:
    """Watches one session: what was predicted during each test, and how it ended."""

    def __init__(self) -> None:
        self.excluded = exclusions.load()
        self.outcomes: dict[str, outcome.Outcome] = {}
        self.attempts = 0
        self.refused = ""
        self.started = 0.0

    def watch(self) -> None:
        """Count the predictions, and the packages that cannot be loaded."""
        proxy: Any = coremltools_backend.ModelProxy
        predict, construct = proxy.predict, proxy.__init__

        def counted_predict(this: Any, *arguments: Any, **options: Any) -> Any:
            self.attempts += 1
            return predict(this, *arguments, **options)

        def counted_construct(this: Any, *arguments: Any, **options: Any) -> None:
            try:
                construct(this, *arguments, **options)
            except RuntimeError as error:
                if UnsupportedPackage.code in str(error):
                    self.refused = _line(str(error))
                else:
                    self.attempts += 1
                raise

        proxy.predict, proxy.__init__ = counted_predict, counted_construct

    def begin(self) -> None:
        """Before a test."""
        self.attempts, self.refused, self.started = 0, "", time.monotonic()

    def finish(self, test: str, report: pytest.TestReport) -> None:
        """After a test, or a failure before it."""
        seconds = round(time.monotonic() - self.started, 3)
        name, detail = self._judge(test, report)
        self.outcomes[test] = outcome.Outcome(test, name, detail, self.attempts, seconds)
        if len(self.outcomes) % 25 == 0:  # so that a run that is cut short has something to show
            self.save()

    def save(self) -> None:
        """Write the outcomes so far."""
        target = os.environ.get("SDQA_CONFORMANCE_RESULTS")
        if target:
            outcome.write(Path(target), self.outcomes.values())

    def _judge(self, test: str, report: pytest.TestReport) -> tuple[str, str]:
        if report.skipped:
            return "not applicable", _line(getattr(report, "wasxfail", "") or _skip_reason(report))
        if self.refused:
            return "not applicable", self.refused
        if self.attempts == 0:
            ending = "passed" if report.passed else f"failed: {_error(report)}"
            return "not applicable", f"nothing was predicted; {ending}"
        exclusion = exclusions.matching(test, self.excluded)
        if exclusion is not None:  # whether it happened to pass or not
            return "excluded", exclusion.reason
        return ("passed", "") if report.passed else ("failed", _error(report))


recorder = OutcomeRecorder()
recorder.watch()


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Record a file that cannot be imported: what it needs is not installed."""
    if report.failed:
        name = report.nodeid or str(getattr(report.longrepr, "reprcrash", "a test file"))
        detail = f"cannot be collected: {_line(str(report.longrepr))[-200:]}"
        recorder.outcomes[name] = outcome.Outcome(name, "not applicable", detail)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the sample; the rest is never run."""
    del config
    only = re.compile(os.environ.get("SDQA_CONFORMANCE_ONLY", ""))
    count = int(os.environ.get("SDQA_CONFORMANCE_SAMPLE", "0"))
    tests = {_identity(item): item for item in items}
    names = [name for name in tests if only.search(name)]
    if count:
        names = selection.draw(names, count, int(os.environ.get("SDQA_CONFORMANCE_SEED", "0")))
    items[:] = [tests[name] for name in names]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Every test draws its random numbers from its own seed, whatever ran before it."""
    import torch

    seed = zlib.crc32(_identity(item).encode())
    np.random.seed(seed)
    torch.manual_seed(seed)
    recorder.begin()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Record the call, or a set-up that did not get that far."""
    report = yield
    if report.when == "call" or (report.when == "setup" and not report.passed):
        recorder.finish(_identity(item), report)
    return report


def pytest_sessionfinish() -> None:
    """Write the outcomes."""
    recorder.save()


def _identity(item: pytest.Item) -> str:
    """coremltools/…/test_conv.py::TestConv::test_x[case], the same on every machine."""
    path = item.path.as_posix()
    return f"{path[path.rindex('/coremltools/') + 1 :]}::{item.nodeid.split('::', 1)[1]}"


def _error(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return _line(str(crash.message if crash is not None else report.longrepr))


def _skip_reason(report: pytest.TestReport) -> str:
    return str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)


def _line(text: str) -> str:
    return " ".join(text.split())[:300]
