"""Size against quality: the front is what nothing beats, and one lane alone is no trade."""

from __future__ import annotations

from sdqa.bundle import Package, Run
from sdqa.report.checks import check_rows
from sdqa.report.tradeoff import Spot, pareto, tradeoff_chart


def test_the_front_is_what_no_other_lane_beats() -> None:
    spots = [Spot("large", 9, 0.2, False), Spot("small", 3, 0.9, False), Spot("worse", 9, 0.5, False)]
    spots += [Spot("middle", 5, 0.4, False), Spot("beaten", 6, 0.6, True)]
    assert [one.lane for one in pareto(spots)] == ["small", "middle", "large"]


def test_two_lanes_make_a_chart_and_one_does_not(run: Run) -> None:
    rows = check_rows(run)
    chart = tradeoff_chart(run, rows)
    assert chart.count("<circle") == 3
    assert "tiny/palette6/reference/cpu: " in chart
    assert tradeoff_chart(run.model_copy(update={"lanes": run.lanes[:1]}), rows) == ""
    bare = run.lanes[1].model_copy(update={"packages": ()})
    assert tradeoff_chart(run.model_copy(update={"lanes": (run.lanes[0], bare)}), rows) == ""
    assert isinstance(run.lanes[0].packages[0], Package)
