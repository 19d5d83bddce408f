"""Who is responsible for a loss that several players made together: Shapley values and pairwise interactions.

L. S. Shapley, "A value for n-person games", 1953; M. Grabisch and M. Roubens, "An axiomatic approach to the concept of
interaction among players in cooperative games", 1999. With at most five players everything is computed exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import numpy.typing as npt

Coalition = frozenset[str]
Floats = npt.NDArray[np.float64]


def coalitions(players: Sequence[str]) -> Iterator[Coalition]:
    """All subsets, the smallest first, in a stable order."""
    for size in range(len(players) + 1):
        for chosen in combinations(players, size):
            yield frozenset(chosen)


def shapley_values(players: Sequence[str], worth: Mapping[Coalition, Any]) -> dict[str, Floats]:
    """Each player's mean contribution over all orders of joining.

    Args:
        worth: of every coalition: a number, or an array (one number a case).

    Returns:
        By player, in the shape of the worths; they sum to worth(all) - worth(none).
    """
    count = len(players)
    values: dict[str, Floats] = {}
    for player in players:
        others = [other for other in players if other != player]
        total: Any = 0.0
        for coalition in coalitions(others):
            weight = factorial(len(coalition)) * factorial(count - len(coalition) - 1) / factorial(count)
            total = total + weight * (_worth(worth, coalition | {player}) - _worth(worth, coalition))
        values[player] = np.asarray(total, np.float64)
    return values


def interactions(players: Sequence[str], worth: Mapping[Coalition, Any]) -> dict[tuple[str, str], Floats]:
    """Shapley interaction index of every pair: positive when two do more together than the sum of each alone."""
    count = len(players)
    values: dict[tuple[str, str], Floats] = {}
    for first, second in combinations(players, 2):
        others = [other for other in players if other not in (first, second)]
        total: Any = 0.0
        for coalition in coalitions(others):
            weight = factorial(len(coalition)) * factorial(count - len(coalition) - 2) / factorial(count - 1)
            both, neither = _worth(worth, coalition | {first, second}), _worth(worth, coalition)
            one, other = _worth(worth, coalition | {first}), _worth(worth, coalition | {second})
            total = total + weight * (both - one - other + neither)
        values[first, second] = np.asarray(total, np.float64)
    return values


def _worth(worth: Mapping[Coalition, Any], coalition: Coalition) -> Floats:
    return np.asarray(worth[coalition], np.float64)


def resamples(cases: int, draws: int = 1000, seed: int = 0) -> npt.NDArray[np.int64]:
    """Indices (draws, cases) of a bootstrap over cases; the same on every platform."""
    generator = np.random.Generator(np.random.Philox(seed))
    return np.floor(generator.random((draws, cases)) * cases).astype(np.int64)


def interval(values: npt.NDArray[Any], confidence: float = 0.95) -> tuple[float, float]:
    """Percentile interval of a statistic's bootstrap distribution."""
    tail = 50 * (1 - confidence)
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)


def expanded(value: float, ends: tuple[float, float], cases: int, confidence: float = 0.95) -> tuple[float, float]:
    """A percentile interval, widened for few cases: resampling three of them knows nothing of a fourth.

    T. Hesterberg, "What teachers should know about the bootstrap", 2015: the percentile interval is too narrow by
    sqrt((n - 1) / n) and by the normal's quantile in place of Student's. Of one case there is nothing to widen.
    """
    if cases < 2:
        return ends
    from scipy.special import ndtri, stdtrit

    level = (1 + confidence) / 2
    factor = math.sqrt(cases / (cases - 1)) * float(stdtrit(cases - 1, level) / ndtri(level))
    low, high = ends
    return value - factor * (value - low), value + factor * (high - value)
