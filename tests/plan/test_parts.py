"""Lanes shared out: every case once, balanced, and found again from the unit's name alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdqa.errors import UsageError
from sdqa.plan import Plan, PlannedLane, load_suite, make_plan, only_unit
from sdqa.plan.describe import unet_calls
from sdqa.plan.parts import GRAIN, role_of, share_out

ROOT = Path(__file__).parents[2]
PLAN = make_plan(load_suite(ROOT / "sdqa.toml"), ROOT / "sdqa.toml", platform="linux")


def lanes_of(costs: list[list[int]]) -> list[PlannedLane]:
    """Lanes whose cases cost so many U-Net calls."""
    one = PLAN.lanes[0]
    case = next(case for case in one.cases.values() if case.source is None)
    return [
        replace(
            one,
            id=f"m/{number}",
            cases={f"c{place}": case.model_copy(update={"steps": steps}) for place, steps in enumerate(steps_of_lane)},
        )
        for number, steps_of_lane in enumerate(costs)
    ]


COSTS = st.lists(st.lists(st.integers(1, 60), min_size=1, max_size=9), min_size=1, max_size=5)


@settings(max_examples=150, deadline=None)
@given(COSTS, st.integers(1, 12))
def test_every_case_is_in_exactly_one_share_and_none_is_empty(costs: list[list[int]], count: int) -> None:
    lanes = lanes_of(costs)
    shares = share_out(lanes, count)
    cases = sum(len(lane.cases) for lane in lanes)
    assert len(shares) == min(count, cases)
    assert all(share for share in shares)
    held = Counter((part.lane, case) for share in shares for part in share for case in part.cases)
    assert set(held.values()) == {1}
    assert len(held) == cases
    assert all(len({part.lane for part in share}) == len(share) for share in shares)


@settings(max_examples=150, deadline=None)
@given(COSTS, st.integers(1, 12))
def test_the_longest_share_is_bounded_as_grahams_rule_says(costs: list[list[int]], count: int) -> None:
    lanes = lanes_of(costs)
    loads = [sum(part.unet_calls for part in share) for share in share_out(lanes, count)]
    longest = max(unet_calls(case) for lane in lanes for case in lane.cases.values())
    share = sum(loads) / len(loads)
    assert max(loads) <= share * (1 + 1 / GRAIN) + longest


def test_equal_lanes_are_shared_out_evenly() -> None:
    for count in (1, 2, 3, 4, 6):
        loads = [sum(part.unet_calls for part in share) for share in share_out(lanes_of([[20] * 12] * 2), count)]
        assert max(loads) - min(loads) <= 20, count


def unit(name: str) -> Plan:
    return only_unit(PLAN, name)


def test_a_unit_is_a_lane_a_share_or_a_kind_of_machine() -> None:
    assert [lane.id for lane in unit("tiny/fp16").lanes] == ["tiny/fp16"]
    assert not unit("tiny/fp16").lanes[0].is_part
    assert {role_of(lane) for lane in unit("mac-ane").lanes} == {"mac-ane"}
    assert [lane.id for lane in unit("tiny/fp16+tiny/palettized-6bit").lanes] == [
        "tiny/fp16",
        "tiny/palettized-6bit",
    ]
    halves = [unit(f"tiny/fp16:{number}/2").lanes[0] for number in (1, 2)]
    assert all(half.is_part and half.all_cases == PLAN.lanes[0].cases for half in halves)
    assert set(halves[0].cases) | set(halves[1].cases) == set(PLAN.lanes[0].cases)
    shares = [unit(f"any:{number}/3") for number in (1, 2, 3)]
    held = Counter((lane.id, case) for share in shares for lane in share.lanes for case in lane.cases)
    assert len(held) == sum(len(lane.cases) for lane in PLAN.running)
    assert set(held.values()) == {1}


def test_a_part_of_a_lane_has_the_components_of_the_whole() -> None:
    """A part without an image-to-image case would otherwise be other packages."""
    for number in range(1, 12):
        [lane] = unit(f"tiny/fp16:{number}/11").lanes
        assert lane.components == PLAN.lanes[0].components


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nobody", "units: any, mac, mac-ane, tiny/fp16"),
        ("tiny/fp16+nobody", "is no unit"),
        ("any:0/3", "is no unit"),
        ("tiny/fp16:12/12", "there are 11 shares"),
    ],
)
def test_what_is_no_unit_is_said(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        unit(name)
