"""Changes of level: each that was planted is found where it was planted, and noise is none."""

from __future__ import annotations

import random
import sys
from dataclasses import replace

import pytest

from sdqa.dashboard.changes import changes_of, events_of
from sdqa.dashboard.series import CaseSeries, FigureSeries, Mark, Point, position
from sdqa.errors import ExtraMissing

pytest.importorskip("ruptures")


def point(run: int, value: float | None, *, bound: float | None = 0.03, **fields: object) -> Point:
    status = "pass" if value is not None and (bound is None or value <= bound) else "fail"
    facts = {"value": value, "golden": None, "judged": value, "low": None, "high": None, "bound": bound}
    return Point(run=run, **{**facts, "spread": None, "n": 1, "status": status, **fields})  # type: ignore[arg-type]


def series(values: list[float | None], *, cases: int = 4, moving: int = 4, better: str = "lower") -> FigureSeries:
    points = tuple(point(run, value) for run, value in enumerate(values))
    still = values[0] or 0.0
    of_cases = {
        f"c{number}": CaseSeries(
            tuple(range(len(values))),
            tuple(one if number < moving else still for one in values),
            ("pass",) * len(values),
        )
        for number in range(cases)
    }
    return FigureSeries("s1", "m/fp16", "lpips", "", "", better, points, of_cases)


def steps(*levels: tuple[int, float], noise: float = 0.0, seed: int = 1) -> list[float | None]:
    dice = random.Random(seed)
    return [level + dice.gauss(0, noise) for count, level in levels for _ in range(count)]


@pytest.mark.parametrize("noise", [0.0, 0.0004, 0.001])
def test_planted_steps_are_found_where_they_are(noise: float) -> None:
    found = changes_of(series(steps((40, 0.01), (30, 0.018), (30, 0.010), noise=noise)), {})
    assert [abs(one.run - at) <= 1 for one, at in zip(found, (40, 70), strict=True)] == [True, True]
    assert [one.size > 0 for one in found] == [True, False]
    assert found[0].cases == (4, 4)
    assert found[0].size == pytest.approx(0.008 / 0.03, rel=0.2)


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_no_change(seed: int) -> None:
    assert changes_of(series(steps((200, 0.01), noise=0.002, seed=seed)), {}) == []


def test_a_step_at_run_500_of_1000_is_found() -> None:
    (found,) = changes_of(series(steps((500, 0.01), (500, 0.012), noise=0.0005)), {})
    assert abs(found.run - 500) <= 1


def test_one_bad_run_is_no_change_and_three_are() -> None:
    assert changes_of(series(steps((20, 0.01), (1, 0.5), (20, 0.01))), {}) == []
    assert [one.run for one in changes_of(series(steps((20, 0.01), (3, 0.5), (20, 0.01))), {})] == [20, 23]


def test_the_newest_change_is_seen_after_three_runs() -> None:
    assert changes_of(series(steps((20, 0.01), (2, 0.02))), {}) == []
    assert [one.run for one in changes_of(series(steps((20, 0.01), (3, 0.02))), {})] == [20]


def test_a_step_that_no_case_shares_is_not_confirmed() -> None:
    assert changes_of(series(steps((20, 0.01), (20, 0.02)), moving=0), {}) == []
    assert changes_of(series(steps((20, 0.01), (20, 0.02)), moving=1), {})[0].cases == (1, 4)


def test_runs_without_a_figure_are_left_out() -> None:
    values = steps((20, 0.01), (20, 0.02))
    values[5] = values[25] = None
    values[6] = float("inf")
    assert [one.run for one in changes_of(series(values), {})] == [20]


def test_higher_is_better_where_it_is() -> None:
    (found,) = changes_of(series(steps((20, 0.01), (20, 0.02)), better="higher"), {})
    assert found.size < 0


def test_machines_that_take_turns_are_series_of_their_own() -> None:
    fingerprints = {run: "ab"[run % 2] for run in range(60)}
    values: list[float | None] = [0.01 if run % 2 else 0.02 for run in range(60)]
    assert changes_of(series(values), fingerprints) == []
    values = [value if run < 40 else (value or 0) + 0.005 for run, value in enumerate(values)]
    assert {one.run for one in changes_of(series(values), fingerprints)} == {40, 41}


def test_what_changes_together_is_one_event_and_says_what_else_changed() -> None:
    one = changes_of(series(steps((20, 0.01), (20, 0.02))), {})
    (event,) = events_of([*one, *one], {"m/fp16": [Mark(20, "machine", "another fingerprint"), Mark(9, "golden", "x")]})
    assert len(event.changes) == 2
    assert [mark.kind for mark in event.marks] == ["machine"]
    assert (event.before, event.run) == (19, 20)


def test_an_event_is_led_by_what_the_load_cannot_decide() -> None:
    (one,) = changes_of(series(steps((20, 0.01), (20, 0.02))), {})
    faster = replace(one, label="inference_s", size=-9.0)
    (event,) = events_of([faster, one], {})
    assert [change.label for change in event.changes] == ["lpips", "inference_s"]
    assert event.size == one.size


def test_an_event_says_whether_the_candidate_is_the_same() -> None:
    found = changes_of(series(steps((20, 0.01), (20, 0.02))), {})
    (event,) = events_of(found, {}, {"m/fp16": {19: "a", 20: "a"}})
    assert event.same_packages
    assert not event.of_times_alone
    (event,) = events_of(found, {}, {"m/fp16": {19: "a", 20: "b"}})
    assert not event.same_packages
    (event,) = events_of([replace(found[0], label="latency_ms · unet")], {})
    assert event.of_times_alone


def test_without_its_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ruptures", None)
    with pytest.raises(ExtraMissing, match=r"sdqa\[dashboard\]"):
        changes_of(series(steps((20, 0.01), (20, 0.02))), {})


@pytest.mark.parametrize(
    ("judged", "bound", "better", "room"),
    [
        (0.015, 0.03, "lower", 0.5),
        (-0.4, -0.8, "higher", 0.5),
        (0.4, -0.8, "higher", 0.0),
        (40.0, 30.0, "higher", 0.75),
        (20.0, 30.0, "higher", 1.5),
        (0.99, 0.9, "higher", 0.1),
        (0.8, 0.9, "higher", 2.0),
        (1.0, None, "lower", None),
        (float("nan"), 1.0, "lower", None),
        (1.0, 1.0, "equal", None),
    ],
)
def test_positions(judged: float, bound: float | None, better: str, room: float | None) -> None:
    assert position(point(1, judged, bound=bound), better) == (None if room is None else pytest.approx(room))
