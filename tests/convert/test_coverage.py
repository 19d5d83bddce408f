from __future__ import annotations

import numpy as np
import pytest
import torch

from sdqa.convert.coverage import is_explained, measure_coverage, require_coverage
from sdqa.errors import CoverageError

RANDOM = np.random.default_rng(0)
WEIGHT = RANDOM.standard_normal((8, 4, 3, 3)).astype(np.float32)
BIAS = RANDOM.standard_normal(32).astype(np.float32)
PARAMETERS = {"conv.weight": WEIGHT, "conv.bias": BIAS}


def half(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float16)


def test_everything_is_found_in_any_layout_and_under_any_name() -> None:
    constants = [("a", None, half(WEIGHT).transpose(1, 0, 2, 3)), ("b", None, half(BIAS).reshape(1, 32, 1, 1))]
    coverage = measure_coverage(PARAMETERS, constants)
    assert coverage.complete
    assert coverage.exact == coverage.found == 2


def test_missing_parameter_is_named() -> None:
    coverage = measure_coverage(PARAMETERS, [("a", None, half(WEIGHT))])
    assert coverage.missing == ("conv.bias",)
    with pytest.raises(CoverageError, match=r"missing: conv\.bias"):
        require_coverage(coverage, where="test")


def test_invented_weights_are_named() -> None:
    random = ("mid_block_conv_weight", None, half(RANDOM.standard_normal((8, 8))))
    coverage = measure_coverage(PARAMETERS, [("a", None, half(WEIGHT)), ("b", None, half(BIAS)), random])
    assert coverage.invented == ("mid_block_conv_weight",)
    assert not coverage.complete


def test_one_changed_value_is_noticed() -> None:
    changed = half(WEIGHT)
    changed[0, 0, 0, 0] += 1
    coverage = measure_coverage(PARAMETERS, [("conv_weight", None, changed), ("b", None, half(BIAS))])
    assert coverage.missing == ("conv.weight",)
    assert coverage.invented == ("conv_weight",)


def test_compressed_weights_are_found_by_their_hint_and_direction() -> None:
    rough = np.sign(WEIGHT) * np.abs(WEIGHT).mean()
    constants = [("conv_weight_palettized", "conv.weight", half(rough)), ("b", None, half(BIAS))]
    coverage = measure_coverage(PARAMETERS, constants)
    assert coverage.complete
    assert (coverage.found, coverage.exact) == (2, 1)


def test_shuffled_compressed_weights_are_not_accepted() -> None:
    shuffled = RANDOM.permutation(np.sign(WEIGHT).ravel()).reshape(WEIGHT.shape)
    coverage = measure_coverage(PARAMETERS, [("w", "conv.weight", half(shuffled)), ("b", None, half(BIAS))])
    assert "conv.weight" in coverage.missing


def test_equal_parameters_share_a_constant() -> None:
    parameters = {"a": np.zeros(32, np.float32), "b": np.zeros(32, np.float32)}
    assert measure_coverage(parameters, [("zeros", None, np.zeros(32, np.float16))]).complete


def test_tables_that_models_compute_from_nothing_are_explained() -> None:
    frequencies = torch.exp(-np.log(10000) * torch.arange(16) / 16).numpy()
    mask = np.triu(np.full((77, 77), -3e4, np.float16), 1)
    embedding = RANDOM.standard_normal((100, 8)).astype(np.float32)
    assert is_explained(half(frequencies), [])
    assert is_explained(mask, [])
    kernels = np.random.default_rng(0).standard_normal((64, 32, 1, 1)).astype(np.float16)
    assert not is_explained(kernels, []), "square in its last two axes, and no mask"
    assert is_explained(half(embedding[:77])[None], [embedding])
    assert is_explained(np.zeros(64, np.float16), [])
    assert not is_explained(half(frequencies[::-1]), [])
    assert not is_explained(np.triu(RANDOM.standard_normal((77, 77)), 1), [])


def test_a_constant_that_was_renamed_and_compressed_is_found_by_where_it_points() -> None:
    positions = np.random.default_rng(5).standard_normal((20, 4)).astype(np.float32)
    coarse = (np.round(positions * 4) / 4).astype(np.float16)
    found = measure_coverage({"embeddings.weight": positions}, [("embeddings_palettized", None, coarse)])
    assert found.complete
    invented = measure_coverage(
        {"embeddings.weight": positions}, [("embeddings_palettized", None, coarse[::-1].copy())]
    )
    assert not invented.complete
