"""The demonstration: what was planted is found where it was planted, and nothing else is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdqa.dashboard.changes import Change, Event
from sdqa.dashboard.series import Mark
from tests.dashboard import demo


def event(run: int, lane: str, size: float, *, label: str = "psnr", mark: str = "") -> Event:
    change = Change("s", lane, label, "dB", run, run - 1, 40.0, 30.0, size, True, (3, 3))
    return Event(run, run - 1, lane, (change,), (Mark(run, mark, "x"),) if mark else ())


FOUND = [event(30, "m/pal6", 0.3), event(46, "m/pal6", -0.3), event(90, "m/fp16", 0.5)]


def test_what_is_missing_too_far_or_too_many_is_told() -> None:
    script = demo.Script(120)
    assert script.wrong(FOUND) == []
    assert script.wrong(FOUND[1:]) == ["not found: the recipe slips from 6 to 4 bits, m/pal6 at run 30"]
    assert len(script.wrong([event(32, "m/pal6", 0.3), *FOUND[1:]])) == 2
    assert script.wrong([*FOUND, event(75, "m/int8", 0.1)]) == ["not planted: psnr of m/int8 at run 75"]
    assert script.wrong([*FOUND, event(60, "m/int8", 0.1, mark="golden")]) == []
    slower = event(80, "m/int8", 0.1, label="end_to_end_s")
    assert script.wrong([*FOUND, slower]) == ["not planted: end_to_end_s of m/int8 at run 80"]
    assert script.wrong([*FOUND, event(75, "m/int8", 0.1, label="end_to_end_s")]) == []


def test_every_commit_has_a_suite_that_can_be_planned(tmp_path: Path) -> None:
    from sdqa.plan import load_suite

    script, path = demo.Script(120), tmp_path / "sdqa.toml"
    seen = set()
    for number in range(script.runs):
        path.write_text(script.suite(number), encoding="utf-8")
        suite = load_suite(path)
        seen.add((suite.variants["fp16"].compression, suite.variants["pal6"].compression, str(suite.limits["psnr"])))
    assert len(seen) == 4


@pytest.mark.slow
def test_a_short_history_that_really_ran(tmp_path: Path) -> None:
    script = demo.Script(24)
    assert demo.make(tmp_path / "demo", script.runs) == script.runs
    assert demo.make(tmp_path / "demo", script.runs) == 0
    built, events = demo.site(tmp_path / "demo", tmp_path / "site")
    assert script.wrong(events) == []
    assert (built.runs, built.unread) == (24, 0)
    kinds = {mark.kind for one in events for mark in one.marks}
    assert kinds <= {"golden", "machine", "judge"}
