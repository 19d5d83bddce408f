"""The gate's arithmetic against scipy, and against what can be worked out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from sdqa.gate import latency, statistics

RNG = np.random.default_rng(0)
SAMPLES = [RNG.normal(size=11), RNG.exponential(size=11), RNG.lognormal(size=30), RNG.normal(3, 0.1, size=5)]


@pytest.mark.parametrize("x", SAMPLES, ids=["normal", "skewed", "heavy", "few"])
def test_the_interval_is_scipys_bca(x: np.ndarray) -> None:
    draws = np.random.Generator(np.random.PCG64(statistics.SEED))
    theirs = stats.bootstrap((np.sort(x),), np.mean, n_resamples=statistics.RESAMPLES, method="BCa", rng=draws)
    low, high = statistics.interval(x.tolist())
    assert low == pytest.approx(theirs.confidence_interval.low, rel=1e-6)
    assert high == pytest.approx(theirs.confidence_interval.high, rel=1e-6)


def test_the_interval_is_the_same_every_time_and_covers_the_mean() -> None:
    x = SAMPLES[1].tolist()
    assert statistics.interval(x) == statistics.interval(x) == statistics.interval(x[::-1])
    low, high = statistics.interval(x)
    assert low < float(np.mean(x)) < high


def test_few_or_equal_figures_give_their_extremes() -> None:
    assert statistics.interval([0.5]) == (0.5, 0.5)
    assert statistics.interval([0.1, 0.7]) == (0.1, 0.7)
    assert statistics.interval([0.3] * 11) == (0.3, 0.3)


def test_the_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    hits = sum(
        low <= 0 <= high for low, high in (statistics.interval(rng.normal(size=20).tolist()) for _ in range(400))
    )
    assert 0.90 <= hits / 400 <= 0.98


def test_a_nan_is_the_greatest_loss() -> None:
    assert statistics.loss(math.nan, "higher") == statistics.loss(math.nan, "lower") == math.inf
    assert statistics.loss(3.0, "higher") == -3.0


def test_the_stated_power_is_what_a_normal_mean_needs() -> None:
    losses = [0.0, 1.0, 2.0, 3.0, 4.0]
    sd = float(np.std(losses, ddof=1))
    assert statistics.smallest_shift(5.0, losses) == pytest.approx(3 + 1.6449 * sd / math.sqrt(5), abs=1e-3)
    assert statistics.smallest_shift(-50.0, losses) == 0


def test_tolerance_factors_are_those_of_the_tables() -> None:
    assert statistics.tolerance_factor(10, 0.90, 0.95) == pytest.approx(2.355, abs=2e-3)
    assert statistics.tolerance_factor(30, 0.99, 0.95) == pytest.approx(3.064, abs=2e-3)


@pytest.mark.parametrize(("m", "n"), [(5, 5), (8, 6), (12, 12), (30, 25)])
def test_mann_whitney_is_scipys(m: int, n: int) -> None:
    a, b = RNG.normal(size=m), RNG.normal(0.8, 1, size=n)
    method = "exact" if max(m, n) <= 20 else "asymptotic"
    theirs = stats.mannwhitneyu(a, b, method=method).pvalue
    assert latency.mann_whitney(a.tolist(), b.tolist()) == pytest.approx(theirs, abs=1e-6)


def test_mann_whitney_with_ties_is_scipys() -> None:
    a, b = [1.0, 2, 2, 3, 3, 4, 5], [2.0, 3, 4, 4, 5, 6, 6, 7]
    theirs = stats.mannwhitneyu(a, b, method="asymptotic").pvalue
    assert latency.mann_whitney(a, b) == pytest.approx(theirs, abs=1e-6)
    assert latency.mann_whitney([1.0] * 5, [1.0] * 5) == 1


def test_a_quantile_is_numpys_to_the_last_bit() -> None:
    for n in (2, 3, 10, 1999):
        for share in (0.0, 1.0, 0.5, *RNG.uniform(0, 1, 60)):
            x = RNG.normal(0, 1, n) * 10.0 ** RNG.integers(-9, 9, n)
            found = statistics._quantile([float(one) for one in np.sort(x)], float(share))
            assert found == float(np.quantile(x, float(share))), (n, share)
