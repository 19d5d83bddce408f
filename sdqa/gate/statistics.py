"""The arithmetic of the gate: paired losses, their interval, a normal tolerance bound, and the stated power.

A *loss* is a figure turned so that larger is worse. Everything is seeded; the same figures give the same verdicts.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

from sdqa.bundle import Better

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


LEVEL = 0.95
"""Of the two-sided interval; its bad end is a one-sided 97.5 % bound."""
RESAMPLES = 1999
SEED = 20240229
POWER = 0.95
NORMAL = NormalDist()
SMALLEST_SAMPLE = 3
"""Cases below which no bootstrap is meaningful: the interval then reaches from the best to the worst case."""


def loss(figure: float, better: Better) -> float:
    """The figure turned so that larger is worse; infinite where the figure is not a number."""
    if math.isnan(figure):
        return math.inf
    return -figure if better == "higher" else figure


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Bootstrap interval of the mean, bias-corrected and accelerated, seeded.

    Efron, "Better bootstrap confidence intervals", 1987. Written out because `scipy.stats` takes longer to import than
    a whole gate takes to judge; a test holds it to scipy's figures.

    Args:
        values: one figure a case, at least one, finite.

    Returns:
        Both ends at `LEVEL`; the extremes when there are too few cases or they are all the same.
    """
    import numpy as np

    x = np.sort(np.asarray(values, dtype=np.float64))  # the order of the cases must not matter
    n = len(x)
    if n < SMALLEST_SAMPLE or float(np.ptp(x)) <= 1e-12 * max(1.0, float(np.abs(x).max())):
        return float(x.min()), float(x.max())
    means = x[_draws(n)].mean(axis=1)
    mean = float(x.mean())
    below = (np.count_nonzero(means < mean) + np.count_nonzero(means <= mean)) / (2 * len(means))
    bias = NORMAL.inv_cdf(min(max(below, 0.5 / len(means)), 1 - 0.5 / len(means)))
    left_out = mean - (x.sum() - x) / (n - 1)  # jackknife influence
    acceleration = float((left_out**3).sum() / (6 * (left_out**2).sum() ** 1.5))
    ordered = [float(one) for one in np.sort(means)]
    ends = []
    for share in ((1 - LEVEL) / 2, (1 + LEVEL) / 2):
        z = bias + NORMAL.inv_cdf(share)
        ends.append(_quantile(ordered, NORMAL.cdf(bias + z / (1 - acceleration * z))))
    return ends[0], ends[1]


def _quantile(ordered: Sequence[float], share: float) -> float:
    """`numpy.quantile` of sorted values, to the bit; that one imports masked arrays, which takes as long as judging."""
    place = (len(ordered) - 1) * share
    low = min(math.floor(place), len(ordered) - 2)
    before, after, part = ordered[low], ordered[low + 1], place - low
    return after - (after - before) * (1 - part) if part >= 0.5 else before + (after - before) * part


@functools.cache
def _draws(n: int) -> npt.NDArray[np.intp]:
    """Indices of `RESAMPLES` samples of n with replacement; the same ones in every run."""
    import numpy as np

    return np.random.Generator(np.random.PCG64(SEED)).integers(0, n, (RESAMPLES, n))


def smallest_shift(limit: float, losses: Sequence[float]) -> float:
    """The stated power: the smallest shift of the mean loss that would be noticed with a probability of `POWER`.

    A run fails when its mean loss exceeds the limit. With losses like these, the mean varies by sd / sqrt(n), so the
    shift must carry it from where it is to z sd / sqrt(n) beyond the limit.

    Args:
        limit: on the mean loss.
        losses: of the cases as measured.
    """
    import numpy as np

    x = np.asarray(losses, dtype=np.float64)
    sd = float(x.std(ddof=1)) if len(x) > 1 else 0.0
    return max(0.0, limit - float(x.mean()) + NORMAL.inv_cdf(POWER) * sd / math.sqrt(len(x)))


def tolerance_factor(n: int, coverage: float, confidence: float) -> float:
    """k of a one-sided normal tolerance bound: mean + k sd exceeds a share `coverage` of the population.

    From the non-central t distribution (Natrella, "Experimental statistics", 1963).

    Args:
        n: size of the sample that mean and sd come from, at least 2.
        coverage: share of the population, below 1.
        confidence: probability that the bound does cover it.
    """
    from scipy.stats import nct, norm

    return float(nct.ppf(confidence, df=n - 1, nc=norm.ppf(coverage) * math.sqrt(n)) / math.sqrt(n))


def exact_interval(count: int, total: int) -> tuple[float, float]:
    """Interval of a share at `LEVEL`, exact: what the binomial distribution leaves possible.

    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", 1934.

    Returns:
        (0, 1) when nothing was counted.
    """
    from scipy.stats import beta

    tail = (1 - LEVEL) / 2
    low = float(beta.ppf(tail, count, total - count + 1)) if count else 0.0
    high = float(beta.ppf(1 - tail, count + 1, total - count)) if count < total else 1.0
    return low, high
