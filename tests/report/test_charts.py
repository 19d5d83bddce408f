"""Charts: scales that do not lie, nothing that is not finite in a coordinate, text escaped."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from sdqa.report.charts import Bar, Curve, bar_chart, line_chart, ticks, waterfall_chart
from sdqa.report.glyphs import interval_glyph, limit_glyph, sparkline

NUMBERS = st.none() | st.floats()
ANY = st.lists(st.floats(), max_size=6)


def coordinates(chart: Markup) -> list[float]:
    """All numbers that place something; fails on one that is not a number."""
    if not chart:
        return []
    found = []
    for element in ET.fromstring(str(chart)).iter():
        for name in ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height"):
            if name in element.attrib:
                found.append(float(element.attrib[name]))
        for pair in element.attrib.get("points", "").split():
            found += [float(part) for part in pair.split(",")]
    assert all(abs(value) < 1e5 for value in found)
    return found


@given(NUMBERS, st.none() | st.tuples(st.floats(), st.floats()), NUMBERS, st.sampled_from(["lower", "higher", ""]))
def test_interval_glyphs_of_any_figures(
    difference: float | None, interval: tuple[float, float] | None, tolerance: float | None, better: str
) -> None:
    coordinates(interval_glyph(difference, interval, tolerance, better, "label"))


@given(NUMBERS, NUMBERS)
def test_limit_glyphs_of_any_figures(value: float | None, limit: float | None) -> None:
    coordinates(limit_glyph(value, None, limit, "lower", "label"))
    coordinates(limit_glyph(value, (value or 0.0, limit or 0.0), limit, "higher", "label"))


@given(ANY)
def test_rows_of_any_figures(values: list[float]) -> None:
    coordinates(sparkline(values, "label"))
    coordinates(bar_chart([Bar("n", value, "", low=value, high=value) for value in values], "label"))
    coordinates(waterfall_chart([Bar("n", value, "") for value in values], "label"))
    points = tuple((float(i), value) for i, value in enumerate(values))
    coordinates(line_chart([Curve("n", points)], "label", x_label="x", y_label="y"))
    coordinates(line_chart([Curve("n", points)], "label", x_label="x", y_label="y", log=True))


def bar_widths(chart: Markup) -> list[float]:
    return [float(width) for width in re.findall(r'width="([\d.]+)" height="[\d.]+" class="bar', chart)]


def test_bars_are_in_proportion_and_start_at_zero() -> None:
    one, two = bar_widths(bar_chart([Bar("a", 10.0, ""), Bar("b", 20.0, "")], "label"))
    assert two == pytest.approx(2 * one, abs=0.2)


def test_an_infinite_bar_is_longer_than_a_finite_one_within_the_reach() -> None:
    infinite, finite = bar_widths(bar_chart([Bar("a", float("inf"), ""), Bar("b", 24.0, "")], "label", reach=100.0))
    assert infinite > 4 * finite


def test_a_waterfall_ends_where_its_parts_add_up_to() -> None:
    widths = bar_widths(waterfall_chart([Bar("a", 3.0, ""), Bar("b", -1.0, "")], "label"))
    assert widths[2] == pytest.approx(widths[0] - widths[1], abs=0.2)


@pytest.mark.parametrize(
    ("better", "limit", "left", "right"),
    [("lower", 0.5, False, True), ("higher", -0.5, True, False), ("equal", 0.5, True, True)],
)
def test_only_the_bad_side_is_forbidden(better: str, limit: float, left: bool, right: bool) -> None:
    chart = interval_glyph(0.0, (-0.1, 0.1), limit, better, "label")
    starts = [float(x) for x in re.findall(r'<rect x="([\d.]+)"[^>]*class="beyond"', chart)]
    assert (any(x < 84 for x in starts), any(x > 84 for x in starts)) == (left, right)


def test_a_figure_below_its_floor_and_one_above_its_budget_are_marked() -> None:
    assert "bar bad" in limit_glyph(20.0, None, 30.0, "higher", "label")
    assert "bar bad" in limit_glyph(40.0, None, 30.0, "lower", "label")
    assert "bar bad" not in limit_glyph(40.0, None, 30.0, "higher", "label")


def test_names_are_escaped() -> None:
    chart = bar_chart([Bar("<b>&", 1.0, "<i>")], '"><script>')
    assert not re.search(r"<(b|i|script)>", chart)
    ET.fromstring(str(chart))


def test_ticks_are_round_and_inside() -> None:
    assert ticks(0.0, 1.0) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert ticks(3.0, 3.0) == [3.0]
