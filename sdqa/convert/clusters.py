"""Optimal-enough one-dimensional k-means on half-precision weights, deterministic and fast at any size.

Weights in fp16 take at most 63,488 different values, so clustering works on the sorted distinct values with their
counts: an iteration is one binary search and two prefix sums, whatever the size of the tensor.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

ITERATIONS = 100


def cluster(values: NDArray[np.float64], counts: NDArray[np.int64], clusters: int) -> NDArray[np.float64]:
    """Centroids that minimise the weighted squared distance, by Lloyd's iteration from two starts, best kept.

    Args:
        values: distinct values, ascending.
        counts: how often each occurs.
        clusters: number of centroids.

    Returns:
        Centroids, ascending; all values themselves when there are no more than `clusters`.
    """
    if len(values) <= clusters:
        return values
    weight = np.concatenate([[0.0], np.cumsum(counts, dtype=np.float64)])
    moment = np.concatenate([[0.0], np.cumsum(counts * values)])
    best, best_loss = values[:clusters], np.inf
    for start in _starts(values, counts, clusters):
        centroids = _lloyd(values, weight, moment, start)
        nearest = centroids[_assign(values, centroids)]
        loss = float((counts * (values - nearest) ** 2).sum())
        if loss < best_loss:
            best, best_loss = centroids, loss
    return best


def _starts(values: NDArray[np.float64], counts: NDArray[np.int64], clusters: int) -> list[NDArray[np.float64]]:
    """Evenly over the range, and by the density that is optimal for many clusters: its cube root (Panter and Dite)."""
    even = np.linspace(values[0], values[-1], clusters)
    bins = np.linspace(values[0], values[-1], 4 * clusters + 1)
    density = np.histogram(values, bins, weights=counts)[0] ** (1 / 3)
    cumulative = np.concatenate([[0.0], np.cumsum(density)])
    quantiles = (np.arange(clusters) + 0.5) / clusters * cumulative[-1]
    return [np.asarray(even), np.asarray(np.interp(quantiles, cumulative, bins))]


def _assign(values: NDArray[np.float64], centroids: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.searchsorted((centroids[1:] + centroids[:-1]) / 2, values, side="right").astype(np.int64)


def _lloyd(
    values: NDArray[np.float64], weight: NDArray[np.float64], moment: NDArray[np.float64], start: NDArray[np.float64]
) -> NDArray[np.float64]:
    centroids = start
    for _ in range(ITERATIONS):
        edges = np.searchsorted(values, (centroids[1:] + centroids[:-1]) / 2, side="right")
        edges = np.concatenate([[0], edges, [len(values)]])
        mass, sums = np.diff(weight[edges]), np.diff(moment[edges])
        moved = np.sort(np.where(mass > 0, sums / np.maximum(mass, 1), centroids))
        if np.allclose(moved, centroids, rtol=0, atol=1e-9):
            return moved
        centroids = moved
    return centroids


def table_maker(bits: int) -> Callable[[NDArray[np.generic]], tuple[NDArray[np.generic], NDArray[np.uint8]]]:
    """A `lut_function` for coremltools: a weight tensor to its table of 2^bits values and flat uint8 indices."""

    def make(weight: NDArray[np.generic]) -> tuple[NDArray[np.generic], NDArray[np.uint8]]:
        distinct, inverse, counts = np.unique(weight.ravel(), return_inverse=True, return_counts=True)
        centroids = cluster(distinct.astype(np.float64), counts, 2**bits)
        table = np.zeros(2**bits, weight.dtype)
        table[: len(centroids)] = centroids
        nearest = _assign(distinct.astype(np.float64), centroids)
        return table, nearest[inverse.ravel()].astype(np.uint8)

    return make
