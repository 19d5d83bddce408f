"""Shapley values: the axioms that define them, and games that can be solved on paper."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdqa.diagnose.shapley import Coalition, coalitions, expanded, interactions, interval, resamples, shapley_values
from sdqa.diagnose.swap import attribute

PLAYERS = ("text_encoder", "unet", "vae_decoder", "vae_encoder")
Game = dict[Coalition, float]


@st.composite
def games(draw: st.DrawFn, players: tuple[str, ...] = PLAYERS) -> Game:
    values = st.floats(-10, 10)
    return {coalition: draw(values) for coalition in coalitions(players)}


@given(games())
def test_shares_sum_to_the_whole_loss(game: Game) -> None:
    shares = shapley_values(PLAYERS, game)
    total = game[frozenset(PLAYERS)] - game[frozenset()]
    assert sum(float(share) for share in shares.values()) == pytest.approx(total, abs=1e-9)


@given(games(), games())
def test_shares_of_two_losses_add_up(first: Game, second: Game) -> None:
    both = {coalition: first[coalition] + second[coalition] for coalition in first}
    one, other, sum_ = (shapley_values(PLAYERS, game) for game in (first, second, both))
    for player in PLAYERS:
        assert float(sum_[player]) == pytest.approx(float(one[player]) + float(other[player]), abs=1e-9)


@given(games(PLAYERS[:3]))
def test_component_that_never_matters_gets_nothing(game: Game) -> None:
    extended = {coalition: game[coalition - {PLAYERS[3]}] for coalition in coalitions(PLAYERS)}
    shares = shapley_values(PLAYERS, extended)
    assert float(shares[PLAYERS[3]]) == pytest.approx(0, abs=1e-9)
    for player, share in shapley_values(PLAYERS[:3], game).items():
        assert float(shares[player]) == pytest.approx(float(share), abs=1e-9)


@given(games())
def test_components_that_do_the_same_get_the_same(game: Game) -> None:
    exchange = {"unet": "vae_decoder", "vae_decoder": "unet"}
    symmetric = {
        coalition: game[coalition] + game[frozenset(exchange.get(name, name) for name in coalition)]
        for coalition in game
    }
    shares = shapley_values(PLAYERS, symmetric)
    assert float(shares["unet"]) == pytest.approx(float(shares["vae_decoder"]), abs=1e-9)


@given(games())
def test_value_is_the_mean_over_all_orders(game: Game) -> None:
    expected = dict.fromkeys(PLAYERS, 0.0)
    orders = list(permutations(PLAYERS))
    for order in orders:
        for position, player in enumerate(order):
            before = frozenset(order[:position])
            expected[player] += (game[before | {player}] - game[before]) / len(orders)
    for player, share in shapley_values(PLAYERS, game).items():
        assert float(share) == pytest.approx(expected[player], abs=1e-9)


def test_two_that_only_hurt_together_share_alike_and_interact() -> None:
    pair = frozenset({"unet", "vae_decoder"})
    game = {coalition: float(pair <= coalition) for coalition in coalitions(PLAYERS)}
    shares = shapley_values(PLAYERS, game)
    assert {name: round(float(value), 9) for name, value in shares.items()} == {
        "text_encoder": 0,
        "unet": 0.5,
        "vae_decoder": 0.5,
        "vae_encoder": 0,
    }
    assert float(interactions(PLAYERS, game)["unet", "vae_decoder"]) == pytest.approx(1)


def test_one_that_hides_the_other_interacts_negatively() -> None:
    pair = frozenset({"unet", "vae_decoder"})
    game = {coalition: float(bool(pair & coalition)) for coalition in coalitions(PLAYERS)}
    assert float(interactions(PLAYERS, game)["unet", "vae_decoder"]) == pytest.approx(-1)


def test_additive_losses_have_no_interaction_and_exact_intervals() -> None:
    parts = {"text_encoder": 0.0, "unet": 0.3, "vae_decoder": 0.1, "vae_encoder": 0.0}
    worth = {coalition: np.full(4, sum(parts[name] for name in coalition)) for coalition in coalitions(tuple(parts))}
    found = attribute("lpips", tuple(parts), worth)
    assert found.total == pytest.approx(0.4)
    assert found.interactions == ()
    for name, part in parts.items():
        assert found.shares[name].value == pytest.approx(part)
        assert (found.shares[name].low, found.shares[name].high) == pytest.approx((part, part))
        assert found.fractions[name].value == pytest.approx(part / 0.4)


def test_interval_widens_with_the_spread_over_cases() -> None:
    narrow = np.array([0.9, 1.0, 1.1, 1.0])
    wide = np.array([0.0, 2.0, 0.5, 1.5])
    draws = resamples(4)
    low, high = interval(narrow[draws].mean(axis=1))
    wider_low, wider_high = interval(wide[draws].mean(axis=1))
    assert low < 1.0 < high
    assert wider_high - wider_low > 5 * (high - low)
    np.testing.assert_array_equal(draws, resamples(4))


def test_an_interval_of_few_cases_is_widened_as_students_distribution_says() -> None:
    from scipy.stats import norm, t

    for cases in (2, 3, 11, 1000):
        factor = t.ppf(0.975, cases - 1) / norm.ppf(0.975) * np.sqrt(cases / (cases - 1))
        assert expanded(0.5, (0.4, 0.7), cases) == pytest.approx((0.5 - 0.1 * factor, 0.5 + 0.2 * factor))
    assert expanded(0.5, (0.4, 0.7), 100_000) == pytest.approx((0.4, 0.7), abs=1e-4)
    assert expanded(0.5, (0.5, 0.5), 1) == (0.5, 0.5)


def test_intervals_of_three_cases_contain_the_truth_as_often_as_they_say() -> None:
    """Of normal losses; the plain percentile interval of three cases contains it in about three of four."""
    generator = np.random.Generator(np.random.Philox(7))
    draws, hits, plain_hits = resamples(3), 0, 0
    for _ in range(400):
        sample = generator.normal(1.0, 0.3, 3)
        ends = interval(sample[draws].mean(axis=1))
        low, high = expanded(float(sample.mean()), ends, 3)
        hits += low <= 1.0 <= high
        plain_hits += ends[0] <= 1.0 <= ends[1]
    assert hits / 400 > 0.9
    assert plain_hits / 400 < 0.85
