"""Faults that are planted two at a time."""

from __future__ import annotations

import pytest

from sdqa.errors import FaultError
from sdqa.faults import injection
from sdqa.faults.pairs import PLANTED, pairs


def test_every_two_places_meet_and_nobody_is_left_out() -> None:
    places = {name: place for place, names in PLANTED.items() for name in names}
    met = {(places[first], places[second]) for first, second in pairs()}
    assert len(met) == 10
    assert all(first != second for first, second in met)
    assert {name for both in pairs() for name in both} == set(places)
    assert set(pairs(quick=True)) <= set(pairs())
    assert len({(places[first], places[second]) for first, second in pairs(quick=True)}) == 10


def test_each_fault_lies_where_the_list_says() -> None:
    for place, names in PLANTED.items():
        for name in names:
            fault = injection(name)
            assert (fault.component if fault.component != "scheduler" else "glue") == place


@pytest.mark.parametrize(("first", "second"), pairs())
def test_all_pairs_can_be_planted(first: str, second: str) -> None:
    both = injection(f"{first}+{second}")
    one, other = both.parts
    assert both.id == f"{injection(first).id}+{injection(second).id}"
    assert (one.package_component, other.package_component) == (
        injection(first).package_component,
        injection(second).package_component,
    )
    alone = (injection(first), injection(second))
    assert both.glue == next((part.glue for part in alone if part.glue), None)
    assert (both.request is not None) == any(part.request is not None for part in alone)
    assert both.facts() != injection(first).facts()


def test_two_faults_in_one_place_are_refused() -> None:
    with pytest.raises(FaultError, match="cannot be planted together"):
        injection("unet-noise+unet-2bit")
    with pytest.raises(FaultError, match="cannot be planted together"):
        injection("scaling-factor+decode-scaling-factor")
