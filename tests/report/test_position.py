"""Where a figure lies on the way to its limit."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sdqa.bundle import Verdict
from sdqa.report.position import position, show_position


def verdict(metric: str = "lpips", **fields: Any) -> Verdict:
    return Verdict(check="c", metric=metric, status="pass", **fields)


@pytest.mark.parametrize(
    ("fields", "better", "share", "words"),
    [
        ({"value": 0.05, "golden": 0.0, "difference": 0.05, "tolerance": 0.1}, "lower", 0.5, "50 %"),
        ({"value": 0.3, "golden": 0.0, "difference": 0.3, "tolerance": 0.1}, "lower", 3.0, "300 %"),
        ({"value": 27.0, "golden": 26.0, "difference": 1.0, "tolerance": -0.5}, "higher", -2.0, "−200 %"),
        ({"value": 25.0, "golden": 26.0, "difference": -1.0, "tolerance": -0.5}, "higher", 2.0, "200 %"),
        ({"value": 0.2, "golden": 0.0, "difference": -0.2, "tolerance": 0.4}, "none", 0.5, "50 %"),
        ({"value": 30.0, "tolerance": 40.0, "unit": "s"}, "lower", 0.75, "75 %"),
        ({"value": 44.0, "tolerance": 30.0, "unit": "dB"}, "higher", None, "14 dB within"),
        ({"value": 27.0, "tolerance": 30.0, "unit": "dB"}, "higher", None, "3 dB beyond"),
        ({"value": 44.0, "tolerance": 30.0, "unit": "dB", "room_used": 0.9}, "higher", 0.9, "90 %"),
        ({"value": math.nan, "golden": 0.0, "difference": math.nan, "tolerance": 0.1}, "lower", math.nan, "—"),
        ({"value": 0.3}, "lower", None, "—"),
        ({}, "lower", None, "—"),
    ],
)
def test_a_position_is_a_share_where_there_is_a_way_and_a_distance_at_a_floor(
    fields: dict[str, Any], better: str, share: float | None, words: str
) -> None:
    assert position(verdict(**fields), better) == pytest.approx(share, nan_ok=True)
    assert show_position(verdict(**fields), better) == words


def test_what_is_yes_or_no_lies_nowhere() -> None:
    assert position(verdict("finite", value=0.0, tolerance=1.0), "equal") is None
    assert show_position(verdict("finite", value=0.0, tolerance=1.0), "equal") == "—"


def test_a_limit_on_the_wrong_side_gives_no_share() -> None:
    odd = verdict(value=0.1, golden=0.0, difference=0.1, tolerance=-0.1)
    assert position(odd, "lower") is None
