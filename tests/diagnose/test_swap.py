"""Attribution of a loss to components, on games whose solution is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdqa.diagnose.shapley import coalitions
from sdqa.diagnose.swap import attribute, name_of
from tests.diagnose.records import game

PLAYERS = ("text_encoder", "unet", "vae_decoder")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=8, max_size=8), st.integers(1, 5))
def test_shares_sum_to_the_whole_loss_of_any_game(numbers: list[float], cases: int) -> None:
    worth = {one: np.full(cases, number) for one, number in zip(coalitions(PLAYERS), numbers, strict=True)}
    found = attribute("lpips", PLAYERS, worth)
    assert found.total == pytest.approx(numbers[-1] - numbers[0])
    assert sum(share.value for share in found.shares.values()) == pytest.approx(found.total, abs=1e-9)


def test_of_a_sum_everyone_gets_his_own_part() -> None:
    found = game({"unet": 0.3, "vae_decoder": 0.1, "text_encoder": 0.0})
    assert {name: round(share.value, 9) for name, share in found.shares.items()} == {
        "unet": 0.3,
        "vae_decoder": 0.1,
        "text_encoder": 0.0,
    }
    assert found.fractions["unet"].value == pytest.approx(0.75)
    assert found.interactions == ()


def test_two_that_hide_each_other_have_an_interaction() -> None:
    found = game({"unet": 0.2, "vae_decoder": 0.2}, overlap=0.2)
    assert [one.players for one in found.interactions] == [("unet", "vae_decoder")]
    assert found.interactions[0].value == pytest.approx(-0.2)
    assert found.shares["unet"].value == pytest.approx(found.shares["vae_decoder"].value) == pytest.approx(0.1)


def test_the_interval_is_as_wide_as_the_cases_differ() -> None:
    players = ("unet",)

    def width(losses: list[float]) -> float:
        found = attribute("rms", players, {frozenset(): np.zeros(4), frozenset(players): np.array(losses)})
        assert found.shares["unet"].low <= found.shares["unet"].value <= found.shares["unet"].high
        return found.shares["unet"].high - found.shares["unet"].low

    assert width([0.2, 0.2, 0.2, 0.2]) == 0
    assert width([0.0, 0.1, 0.3, 0.4]) > 0.1


def test_without_a_loss_there_are_no_fractions() -> None:
    found = game({"unet": 0.0, "vae_decoder": 0.0})
    assert [share.value for share in found.fractions.values()] == [0, 0]


def test_mixtures_are_named() -> None:
    found = game({"unet": 0.3, "vae_decoder": 0.1})
    assert set(found.mixtures) == {"teacher", "unet", "vae_decoder", "unet+vae_decoder"}
    assert name_of(frozenset({"vae_decoder", "unet"})) == "unet+vae_decoder"
    assert name_of(frozenset()) == "teacher"
