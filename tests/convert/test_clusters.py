from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdqa.convert.clusters import cluster, table_maker


def loss(values: np.ndarray, centroids: np.ndarray) -> float:
    return float((np.abs(values[:, None] - centroids[None]).min(axis=1) ** 2).sum())


@pytest.mark.parametrize("bits", [1, 2, 4, 6])
def test_centroids_are_as_good_as_scikit_learns(bits: int) -> None:
    from sklearn.cluster import KMeans

    values = np.random.default_rng(0).standard_normal(4000).astype(np.float16)
    table, indices = table_maker(bits)(values)
    ours = loss(values.astype(np.float64), np.asarray(table, np.float64))
    theirs = KMeans(2**bits, n_init=3, random_state=0).fit(values.astype(np.float64)[:, None]).inertia_
    assert ours <= 1.03 * theirs
    assert float(((np.asarray(table)[indices].astype(np.float64) - values) ** 2).sum()) <= 1.01 * ours + 1e-9


def test_two_clumps_are_found_exactly() -> None:
    values, counts = np.array([0.0, 0.1, 5.0, 5.1]), np.array([10, 10, 1, 1])
    np.testing.assert_allclose(cluster(values, counts, 2), [0.05, 5.05])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-100, 100, width=16), min_size=1, max_size=60), st.sampled_from([1, 2, 4]))
def test_few_distinct_values_are_kept_exactly(numbers: list[float], bits: int) -> None:
    values = np.array(numbers, np.float16)
    table, indices = table_maker(bits)(values)
    assert len(table) == 2**bits
    assert indices.max() < 2**bits
    if len(np.unique(values)) <= 2**bits:
        np.testing.assert_array_equal(np.asarray(table)[indices], values)
