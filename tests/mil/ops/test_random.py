"""Random numbers: seeds, ranges and moments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .oracle import context, run

MANY = [200, 300]
TOLERANCE = 0.02
"""More than four standard errors of a mean of 60,000 numbers with a standard deviation of 1."""


@pytest.mark.parametrize(
    ("name", "arguments", "mean", "deviation"),
    [
        ("random_uniform", {"low": -1.0, "high": 3.0}, 1.0, 4 / np.sqrt(12)),
        ("random_normal", {"mean": 0.5, "stddev": 0.8}, 0.5, 0.8),
        ("random_bernoulli", {"prob": 0.3}, 0.3, np.sqrt(0.21)),
    ],
)
def test_distributions(name: str, arguments: dict[str, Any], mean: float, deviation: float) -> None:
    drawn = run(name, shape=MANY, seed=7, **arguments)
    assert drawn.shape == (200, 300)
    assert abs(drawn.mean() - mean) < TOLERANCE
    assert abs(drawn.std() - deviation) < TOLERANCE
    if name == "random_uniform":
        assert drawn.min() >= -1
        assert drawn.max() < 3
    if name == "random_bernoulli":
        assert set(np.unique(drawn)) == {0.0, 1.0}


@pytest.mark.parametrize("name", ["random_uniform", "random_normal", "random_bernoulli"])
def test_equal_seeds_give_equal_numbers(name: str) -> None:
    first, second, other = (run(name, shape=[50], seed=seed) for seed in (3, 3, 4))
    assert (first == second).all()
    assert (first != other).any()


def test_without_a_seed_the_prediction_decides() -> None:
    first, second, other = (run("random_normal", shape=[50], context=context(seed)) for seed in (3, 3, 4))
    assert (first == second).all()
    assert (first != other).any()


@pytest.mark.parametrize("mode", ["logits", "probs"])
def test_categorical(mode: str) -> None:
    shares = np.array([[0.1, 0.2, 0.7], [0.5, 0.5, 0.0]], np.float32)
    x = np.log(shares + 1e-30) if mode == "logits" else shares
    drawn = run("random_categorical", x=x, mode=mode, size=30000, seed=5)
    assert drawn.shape == (2, 30000)
    for row, expected in zip(drawn, shares, strict=True):
        counted = np.bincount(row.astype(int), minlength=3) / row.size
        assert np.abs(counted - expected).max() < TOLERANCE


def test_categorical_refuses_an_unknown_mode() -> None:
    with pytest.raises(ValueError, match="no mode 'odds'"):
        run("random_categorical", x=np.ones((1, 2), np.float32), mode="odds")
