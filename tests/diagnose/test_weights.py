"""What became of a weight: every defect by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sdqa.diagnose.weights import compare_weight

GENERATOR = np.random.default_rng(1)
KERNEL = GENERATOR.standard_normal((32, 16, 3, 3)).astype(np.float32)


def levels(bits: int) -> Callable[[Any], Any]:
    def quantise(weight: Any) -> Any:
        edges = np.quantile(weight, np.linspace(0, 1, 2**bits + 1))
        middles = (edges[1:] + edges[:-1]) / 2
        return middles[np.clip(np.searchsorted(edges, weight) - 1, 0, 2**bits - 1)]

    return quantise


def shuffled(weight: Any) -> Any:
    flat = weight.reshape(-1).copy()
    np.random.default_rng(2).shuffle(flat)
    return flat.reshape(weight.shape)


CONVERSION: dict[str, tuple[Callable[[Any], Any], str]] = {
    "transposed": (lambda w: w.transpose(0, 1, 3, 2), "kernel transposed (cosine 0.30, transposed 1.00)"),
    "reshaped": (lambda w: w.transpose(1, 0, 2, 3).reshape(w.shape), "reshaped for transposed"),
    "flipped": (lambda w: w[..., ::-1], "axis 3 flipped"),
    "rolled": (lambda w: np.roll(w, 1, 0), "axis 0 rolled"),
    "halves": (lambda w: np.roll(w, 16, 0), "parts of axis 0 rolled"),
    "zeroed": (lambda w: w * 0, "zeroed"),
    "negated": (lambda w: -w, "sign reversed"),
    "shuffled": (shuffled, "its values rearranged"),
    "noised": (lambda w: w + 0.1 * np.random.default_rng(3).standard_normal(w.shape), "noise of"),
    "random": (lambda w: np.random.default_rng(4).standard_normal(w.shape), "unrelated to the checkpoint"),
    "holed": (lambda w: np.where(np.random.default_rng(5).random(w.shape) < 0.2, 0, w), "% of its values zeroed"),
    "shifted": (lambda w: w + 0.25, "shifted by 0.25"),
}


@pytest.mark.parametrize("name", sorted(CONVERSION))
def test_conversion_defect_is_named(name: str) -> None:
    change, words = CONVERSION[name]
    found = compare_weight(KERNEL, change(KERNEL).astype(np.float16))
    assert words in found.verdict
    assert not found.ordinary
    assert not found.quantised


def test_a_kernel_that_an_exporter_left_out_is_the_identity_and_has_not_two_levels() -> None:
    mixing = GENERATOR.standard_normal((8, 8, 1, 1))
    found = compare_weight(mixing, np.eye(8, dtype=np.float16).reshape(8, 8, 1, 1))
    assert found.verdict == "the identity"
    assert not found.quantised
    kernel = np.zeros((16, 16, 3, 3))
    kernel[range(16), range(16), 1, 1] = 1
    assert compare_weight(KERNEL[:16], kernel).verdict == "the identity"
    kernel[0, 1, 1, 1] = 1
    assert compare_weight(KERNEL[:16], kernel).verdict != "the identity"


def four_bits(weight: Any, *, signed: bool = True) -> Any:
    scale = abs(weight).max(axis=1, keepdims=True) / 7
    steps = np.clip(np.round(weight / scale), -8, 7)
    return (steps if signed else steps % 16) * scale


@pytest.mark.parametrize("signed", [True, False])
def test_a_scale_for_each_channel_leaves_few_levels_in_each(signed: bool) -> None:
    matrix = GENERATOR.standard_normal((64, 256))
    weight = four_bits(matrix, signed=signed).astype(np.float16)
    assert len(np.unique(weight)) > 256, "of the whole there are many"
    found = compare_weight(matrix, weight)
    assert "quantised to 1" in found.verdict
    assert "levels a channel" in found.verdict
    assert found.quantised


def test_one_channel_of_few_levels_is_not_a_quantised_kernel() -> None:
    matrix = GENERATOR.standard_normal((64, 256))
    holed = matrix.copy()
    holed[0] = 0
    assert not compare_weight(matrix, holed).quantised


COMPRESSION: dict[str, tuple[Callable[[Any], Any], str]] = {
    "2 bits": (levels(2), "quantised to 4 levels"),
    "6 bits": (levels(6), "quantised to 64 levels"),
    "scaled": (lambda w: w * 1.5, "scaled by 1.5"),
    "channel scales": (
        lambda w: (
            w * np.roll(abs(w).max(axis=(1, 2, 3), keepdims=True), 1, 0) / abs(w).max(axis=(1, 2, 3), keepdims=True)
        ),
        "channels scaled by",
    ),
    "pruned": (lambda w: np.where(abs(w) < np.quantile(abs(w), 0.5), 0, w), "pruned: the smallest 50 % are zero"),
    "clipped": (lambda w: np.clip(w, -0.5, 0.5), "clipped at 0.5"),
}


@pytest.mark.parametrize("name", sorted(COMPRESSION))
def test_defect_that_compression_makes_is_told_from_conversion(name: str) -> None:
    change, words = COMPRESSION[name]
    found = compare_weight(KERNEL, change(KERNEL).astype(np.float16))
    assert words in found.verdict
    assert found.quantised


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_rounding_is_ordinary(dtype: Any) -> None:
    assert compare_weight(KERNEL, KERNEL.astype(dtype)).ordinary


def test_small_noise_is_noise_and_no_scale() -> None:
    found = compare_weight(KERNEL, KERNEL * (1 + 0.02 * np.random.default_rng(6).standard_normal(KERNEL.shape)))
    assert not found.ordinary
    assert not found.quantised


def test_infinite_weight_is_not_finite() -> None:
    broken = KERNEL.copy()
    broken[0, 0, 0, 0] = np.inf
    found = compare_weight(KERNEL, broken)
    assert "1 of 4608 values are not finite" in found.verdict
    assert found.relative_error == float("inf")


def test_other_size_is_said() -> None:
    assert "[3, 3] in place of [32, 16, 3, 3]" in compare_weight(KERNEL, KERNEL[0, 0]).verdict


def test_gain_that_is_scaled_is_no_compression() -> None:
    gain = 1 + 0.1 * GENERATOR.standard_normal(64)
    assert not compare_weight(gain, 1.2 * gain).quantised
