"""Times on a machine that others use too: its load is no change, and a slower candidate is one."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from sdqa.dashboard.changes import changes_of
from sdqa.dashboard.clocks import project_changes, usual
from sdqa.dashboard.series import FigureSeries
from tests.dashboard.test_changes import point

pytest.importorskip("ruptures")


def times(*levels: tuple[int, float], metric: str = "inference_s") -> FigureSeries:
    dice = random.Random(3)
    values = [level * dice.lognormvariate(0, 0.03) for count, level in levels for _ in range(count)]
    points = tuple(point(run, value, bound=None) for run, value in enumerate(values))
    return FigureSeries("s", "m/fp16", metric, "", "s", "lower", points)


def found(series: FigureSeries, *packages: int) -> tuple[list[int], list[int]]:
    """Runs of what is told and of what is the machine's, where the packages change at some runs."""
    follows = {p.run: f"packages {sum(p.run >= at for at in packages)}" for p in series.points}
    own, machine = project_changes(series, changes_of(series, {}), follows)
    return [one.run for one in own], [one.run for one in machine]


def test_load_that_comes_and_goes_is_drawn_and_not_told() -> None:
    busy = times((20, 0.25), (8, 1.0), (20, 0.25), (5, 0.8), (20, 0.25))
    own, machine = found(busy)
    assert own == []
    assert {20, 28, 48, 53} <= set(machine)


def test_a_slower_candidate_is_told_on_a_calm_machine() -> None:
    assert found(times((20, 0.25), (20, 0.3)), 20) == ([20], [])
    assert found(times((20, 0.25), (20, 0.3)), 21) == ([20], []), "found one run beside the change"
    assert found(times((20, 0.25), (20, 0.3)), 30) == ([], [20])


def test_on_a_busy_machine_only_what_is_more_than_its_load() -> None:
    busy = (20, 0.25), (8, 0.5), (20, 0.25)
    assert found(times(*busy, (20, 0.4)), 48) == ([], [20, 28, 48])
    assert found(times(*busy, (20, 1.5)), 48) == ([48], [20, 28])


def test_quality_is_the_candidate_s_whatever_the_packages_are() -> None:
    assert found(times((20, 0.25), (20, 0.5), metric="lpips")) == ([20], [])


def test_what_the_history_does_not_know_may_be_a_change() -> None:
    series = times((20, 0.25), (20, 0.5))
    (change,) = changes_of(series, {})
    assert project_changes(series, [change], {}) == ([change], [])
    down = replace(change, old=0.0)
    known = {p.run: "a" if p.run < 20 else "b" for p in series.points}
    assert project_changes(series, [down], known) == ([down], [])


def test_a_usual_time_is_of_the_last_runs_of_the_same_packages() -> None:
    points = tuple(point(run, value, bound=None) for run, value in enumerate([9.0, 9.0, 1.0, 1.1, None, 5.0]))
    series = FigureSeries("s", "m/fp16", "inference_s", "", "s", "lower", points)
    assert usual(series, {run: "a" if run < 2 else "b" for run in range(6)}) == 1.1
    assert usual(series, {}) == 5.0
