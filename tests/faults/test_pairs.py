"""Faults that are planted several at a time."""

from __future__ import annotations

import pytest

from sdqa.errors import FaultError
from sdqa.faults import injection
from sdqa.faults.pairs import PLANTED, STEPS_PRECISION_CONVERSION, pairs, triples


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


def test_steps_precision_and_the_conversion_of_the_vae_are_planted_at_once() -> None:
    found = injection("+".join(STEPS_PRECISION_CONVERSION))
    assert [(part.component, part.stage) for part in found.parts] == [
        ("scheduler", "glue"),
        ("unet", "precision"),
        ("vae_decoder", "conversion"),
    ]
    assert found.id == "too-few-steps@marked+timestep-rounded@marked+vae-kernel-transposed@marked"
    assert found.request is not None
    assert found.facts() != injection("+".join(STEPS_PRECISION_CONVERSION[:2])).facts()


def test_four_and_more_can_be_planted_each_at_its_own_severity() -> None:
    found = injection("unet-noise@mild+text-mask-lost+vae-encoder-noise+vae-decoder-noise@severe+scaling-factor")
    assert len(found.parts) == 5
    assert found.glue == injection("scaling-factor").glue
    assert [part.severity for part in found.parts] == ["mild", "marked", "marked", "severe", "marked"]


def test_a_third_fault_in_an_occupied_place_is_refused_and_the_place_is_named() -> None:
    with pytest.raises(FaultError, match=r"unet-noise@marked and unet-2bit@marked cannot.*\(unet\)"):
        injection("unet-noise+vae-decoder-noise+unet-2bit")


def test_every_three_places_meet_and_all_of_them_can_be_planted() -> None:
    places = {name: place for place, names in PLANTED.items() for name in names}
    first, *rest = triples()
    assert first == STEPS_PRECISION_CONVERSION
    assert len({tuple(places[name] for name in names) for names in rest[:10]}) == 10
    assert len(set(triples())) == 21
    for names in triples():
        assert len(injection("+".join(names)).parts) == 3
