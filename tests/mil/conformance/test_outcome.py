"""Counting and keeping outcomes."""

from __future__ import annotations

from pathlib import Path

from sdqa.mil.conformance.outcome import Outcome, Summary, by_file, read, write

OUTCOMES = [
    Outcome("a.py::one", "passed", "", 1, 0.5),
    Outcome("a.py::two", "failed", "Error", 1, 0.5),
    Outcome("b.py::one", "excluded", "why", 1, 0.5),
    Outcome("b.py::two", "not applicable", "skipped"),
    Outcome("b.py::three", "passed", "", 2, 0.1),
]


def test_only_passed_and_failed_count() -> None:
    summary = Summary.of(OUTCOMES)
    assert summary.counts == {"passed": 2, "failed": 1, "excluded": 1, "not applicable": 1}
    assert summary.applicable == 3
    assert summary.pass_rate == 2 / 3


def test_nothing_applicable_is_not_a_pass() -> None:
    assert Summary.of(OUTCOMES[3:4]).pass_rate == 0


def test_files_are_counted_apart() -> None:
    files = by_file(OUTCOMES)
    assert list(files) == ["a.py", "b.py"]
    assert files["a.py"].counts["failed"] == 1


def test_outcomes_are_kept_sorted(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.json"
    write(path, reversed(OUTCOMES))
    assert read(path) == sorted(OUTCOMES, key=lambda outcome: outcome.test)
