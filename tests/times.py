"""How long each test takes, as recorded: what takes long is marked `slow` or, beyond that, `long`.

`nox -s tests` leaves out the long ones, `nox -s tests -- --fast` the slow ones too, `nox -s tests -- --all` nothing.

    nox -s tests -- --all --junitxml=times.xml && python -m tests.times times.xml

writes `tests/times.json`: seconds of the tests that take more than `SLOW`, set-up included. A test that is not in it is
fast until the next recording. The figures of 2026-11-26 are of two busy cores: alone, a test takes about half.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest

FILE = Path(__file__).with_suffix(".json")
SLOW = 0.3
"""Seconds from which on a test is slow."""
LONG = 4.0
"""Seconds from which on a test is long: run every night, and by whoever changes what it is of."""
DIGITS = 1


def recorded() -> Mapping[str, float]:
    """Seconds by test, `tests/room/test_module.py::test_name[parameters]`."""
    return {name: float(value) for name, value in json.loads(FILE.read_text(encoding="utf-8")).items()}


def mark(items: Iterable[pytest.Item]) -> None:
    """Mark what is recorded as slow, and as long; what is marked `long` by hand is slow too."""
    seconds = recorded()
    for item in items:
        taken = seconds.get(item.nodeid, 0.0)
        if taken >= LONG:
            item.add_marker(pytest.mark.long)
        if taken >= SLOW or item.get_closest_marker("long"):
            item.add_marker(pytest.mark.slow)


def slow_tests(report: Path) -> dict[str, float]:
    """The tests of a JUnit report that take more than `SLOW` seconds.

    Args:
        report: of pytest itself: class names are modules, with classes behind them.
    """
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):  # our own file
        seconds = float(case.get("time", 0))
        if seconds >= SLOW:
            found[node_id(case.get("classname", ""), case.get("name", ""))] = round(seconds, DIGITS)
    return dict(sorted(found.items()))


def node_id(classname: str, name: str) -> str:
    """What pytest calls a test of that module."""
    return f"{classname.replace('.', '/')}.py::{name}"


if __name__ == "__main__":
    FILE.write_text(json.dumps(slow_tests(Path(sys.argv[1])), indent=0) + "\n", encoding="utf-8")
