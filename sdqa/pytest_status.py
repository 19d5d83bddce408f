"""What pytest's exit status means for sdqa's: the same numbers stand for other things."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sdqa.errors import (
    EXIT_GATE_FAILED,
    EXIT_INCOMPLETE,
    EXIT_INFRASTRUCTURE,
    EXIT_INTERRUPTED,
    EXIT_PASS,
    EXIT_USAGE,
    SdqaError,
    worst,
)

OUTCOMES = pytest.StashKey["Outcomes"]()
REFUSED = pytest.StashKey[SdqaError]()
"""The error for which a suite could not be collected."""
FINAL = pytest.StashKey[int]()
"""sdqa's exit code, once it is known."""
FOLDER = pytest.StashKey[Path]()
"""Where the bundle was written, if one was."""

CODES = {
    "pass": EXIT_PASS,
    "suspicious": EXIT_PASS,
    "fail": EXIT_GATE_FAILED,
    "not judged": EXIT_PASS,  # a figure without anything to hold it against; the run says how many
    "not measured": EXIT_INCOMPLETE,
    "error": EXIT_INFRASTRUCTURE,  # no verdict: not the gate's doing
}
"""What an item's outcome means."""


class Outcomes:
    """Listens to the items' reports, from this process and from workers."""

    def __init__(self) -> None:
        self.statuses: set[str] = set()
        self.seen: set[str] = set()  # node ids
        self.given: set[str] = set()  # node ids that pytest-xdist's workers have collected
        self.lost: list[str] = []  # workers that died
        self.uncollected = False

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Remember what a worker is to run."""
        self.given.update(ids)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object | None) -> None:
        """Remember a worker that died."""
        if error is not None:
            self.lost.append(f"worker {node.gateway.id}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember that something could not be collected: pytest then says that it was interrupted."""
        self.uncollected = self.uncollected or report.failed

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember the status of a check; what failed without one is not the gate's doing."""
        self.seen.add(report.nodeid)
        if report.when == "call":
            statuses = [str(value) for name, value in report.user_properties if name == "sdqa_status"]
            self.statuses.update(statuses or (["error"] if report.failed else []))
        elif report.failed:
            self.statuses.add("error")


def exit_code_of(exitstatus: int, stash: pytest.Stash) -> int:
    """What pytest's own exit status means. The runs' verdicts say the same and more, where there are runs."""
    outcomes = stash[OUTCOMES]
    if REFUSED in stash:
        return stash[REFUSED].exit_code
    match exitstatus:
        case pytest.ExitCode.INTERRUPTED:
            return EXIT_INFRASTRUCTURE if outcomes.uncollected else EXIT_INTERRUPTED
        case pytest.ExitCode.OK | pytest.ExitCode.TESTS_FAILED:
            found = [CODES[status] for status in outcomes.statuses]
            return worst(found) if any(found) or exitstatus == pytest.ExitCode.OK else EXIT_INFRASTRUCTURE
        case pytest.ExitCode.USAGE_ERROR:
            return EXIT_USAGE
        case pytest.ExitCode.NO_TESTS_COLLECTED:
            return EXIT_INCOMPLETE
        case _:
            return EXIT_INFRASTRUCTURE
