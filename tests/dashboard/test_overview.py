"""What to look at first: failures, what got worse and still is, what is near its limit."""

from __future__ import annotations

from sdqa.dashboard.changes import Change, Event
from sdqa.dashboard.overview import alerts, row_of, spark
from sdqa.dashboard.series import DatedRun, FigureSeries, Point
from tests.history.records import record_at

RUNS = [DatedRun(number, f"k{number}", record_at(number)) for number in range(10)]


def series(*values: float, bound: float = 0.03) -> FigureSeries:
    points = [
        Point(run, value, None, value, None, None, bound, None, 1, "pass" if value <= bound else "fail")
        for run, value in enumerate(values)
    ]
    return FigureSeries("s", "m/fp16", "lpips", "", "", "lower", tuple(points))


def event(run: int, size: float, label: str = "lpips") -> Event:
    change = Change("s", "m/fp16", label, "", run, run - 1, 1.0, 2.0, size, True, (1, 1))
    return Event(run, run - 1, "m/fp16", (change,), ())


def test_failures_come_first_then_what_is_near() -> None:
    rows = [row_of(series(0.01, 0.04), [], 0), row_of(series(0.01, 0.028), [], 0), row_of(series(0.01), [], 0)]
    assert [(one.kind, one.words) for one in alerts(rows, [], RUNS, unread=1)] == [
        ("fail", "lpips fails in m/fp16"),
        ("near", "lpips uses 93 % of its limit in m/fp16"),
        ("unread", "1 file of the history could not be read: skipped"),
    ]


def test_what_was_put_right_and_what_only_took_longer_is_no_alert() -> None:
    assert list(alerts([], [event(7, -0.3), event(4, 0.3)], RUNS, unread=0)) == []
    assert list(alerts([], [event(4, 0.3, "latency_ms · unet")], RUNS, unread=0)) == []
    (one,) = alerts([], [event(7, 0.3), event(4, -0.3)], RUNS, unread=0)
    assert one.words == "lpips got worse in m/fp16, 2 runs ago"


def test_a_row_says_what_moved_since_goldens_and_limits_are_today_s() -> None:
    row = row_of(series(0.01, 0.02, 0.025), [], since=1)
    assert row.since is not None
    assert abs(row.since - 0.005) < 1e-12
    assert (row.runs, row.room and round(row.room, 3)) == (3, 0.833)


def test_small_lines_hold_whatever_comes() -> None:
    assert spark([1.0, 2.0, 3.0]) == (0.0, 0.5, 1.0)
    assert spark([1.0, None, 1.0]) == (0.5, None, 0.5)
    assert spark([float("nan"), 1e308, -1e308]) == (None, 0.5, 0.5)
    assert spark([]) == spark([None]) == ()
