"""Errors between outputs, against traps that comparisons fall into."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sdqa.diagnose.discrepancy import CEILING_DB, MEAN_AND_STD, compare, compare_outputs, effective

GENERATOR = np.random.default_rng(0)
IMAGE = GENERATOR.standard_normal((1, 3, 32, 32)).astype(np.float32)


def test_equal_arrays_reach_the_ceiling() -> None:
    found = compare(IMAGE, IMAGE.copy())
    assert (found.psnr_db, found.max_abs, found.noise) == (CEILING_DB, 0, 0)
    assert found.cosine == pytest.approx(1)


def test_psnr_of_a_known_error() -> None:
    reference = np.ones((1, 1, 8, 8))
    assert compare(reference, reference + 0.1).psnr_db == pytest.approx(20)


def test_peak_is_the_references_so_that_a_spike_does_not_help() -> None:
    noisy = IMAGE + 0.1
    spiked = noisy.copy()
    spiked[0, 0, 0, 0] = 1000
    assert compare(IMAGE, spiked).psnr_db < compare(IMAGE, noisy).psnr_db


def test_nan_makes_every_figure_nan() -> None:
    tested = IMAGE.copy()
    tested[0, 0, 0, 0] = np.nan
    found = compare(IMAGE, tested)
    assert found.nonfinite == 1
    assert not found.finite
    assert all(math.isnan(value) for value in (found.psnr_db, found.cosine, found.max_abs, found.tile_min_db))
    assert found.noise == math.inf


def test_infinity_in_the_reference_is_no_error() -> None:
    mask = np.array([0.0, -np.inf, 1.0])
    assert compare(mask, mask).finite
    assert compare(mask, np.array([0.0, -65504.0, 1.0])).noise == 0
    assert not compare(np.array([0.0, -65504.0, 1.0]), mask).finite


def test_local_garbage_shows_in_the_worst_tile() -> None:
    tested = IMAGE.copy()
    tested[..., :8, :8] += 1
    found = compare(IMAGE, tested)
    assert found.tile_min_db == pytest.approx(found.psnr_db - 10 * math.log10(16), abs=1e-6)


def test_output_of_another_shape_is_everything_lost() -> None:
    assert compare_outputs("unet", {"noise_pred": IMAGE}, {"noise_pred": IMAGE[:, :2]}).noise == math.inf
    assert compare_outputs("unet", {"noise_pred": IMAGE}, {}).noise == math.inf


def test_worst_output_counts() -> None:
    found = compare_outputs("text_encoder", {"a": IMAGE, "b": IMAGE}, {"a": IMAGE, "b": IMAGE + 1})
    assert found.max_abs == pytest.approx(1)


def test_log_variance_counts_by_the_noise_that_it_lets_through() -> None:
    mean = GENERATOR.standard_normal((1, 4, 4, 4))
    quiet, quieter = (np.concatenate([mean, np.full_like(mean, level)], axis=1) for level in (-20.0, -25.0))
    found = compare_outputs("vae_encoder", {"latent": quiet}, {"latent": quieter})
    assert found.psnr_db > 80
    assert effective("vae_encoder", {"latent": quiet})[MEAN_AND_STD].shape == (1, 8, 4, 4)
