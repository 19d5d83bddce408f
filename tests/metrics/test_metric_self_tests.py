"""The traps that other people's checks fell into, one test each, by name."""

from __future__ import annotations

import numpy as np

from sdqa.metrics import METRICS, MetricModels
from sdqa.metrics import test_images as specimens
from sdqa.metrics.psnr import signal_to_noise
from sdqa.metrics.tile_psnr import worst_tile

RNG = np.random.default_rng(0)
REFERENCE = RNG.normal(size=(4, 16, 16))


def test_trap_nan_passes_psnr_below_35() -> None:
    spoilt = REFERENCE.copy()
    spoilt[0, 0, 0] = np.nan
    found = signal_to_noise(REFERENCE, spoilt)
    assert np.isnan(found)
    assert not found >= 35  # the comparison that gates: NaN is on the bad side of it


def test_trap_the_peak_of_the_tested_array_is_inflated_by_a_spike() -> None:
    noisy = REFERENCE + 0.1 * RNG.normal(size=REFERENCE.shape)
    spiked = noisy.copy()
    spiked[0, 0, 0] = 1e4
    error = float(np.sqrt(np.mean((REFERENCE - spiked) ** 2)))
    naive = 20 * np.log10(np.abs(spiked).max() / error)
    assert naive > 25
    assert signal_to_noise(REFERENCE, spiked) < 0 < signal_to_noise(REFERENCE, noisy)


def test_trap_uint8_wraps_around() -> None:
    dark, light = np.full((8, 8, 3), 10, np.uint8), np.full((8, 8, 3), 246, np.uint8)
    wrapped = 10 * np.log10(255**2 / np.mean((dark - light).astype(float) ** 2))
    assert wrapped > 20
    assert signal_to_noise(dark, light, peak=255) < 1


def test_trap_a_global_psnr_forgives_local_garbage() -> None:
    image = np.full((512, 512, 3), 128, np.uint8)
    spoilt = image.copy()
    spoilt[100:111, 100:111] = RNG.integers(0, 256, (11, 11, 3))
    assert signal_to_noise(image, spoilt, peak=255) > 35
    assert worst_tile(image, spoilt, peak=255) < 27


def test_trap_a_block_cannot_hide_on_a_seam_of_the_tiles() -> None:
    image = np.full((64, 64, 3), 128, np.uint8)
    found = []
    for at in range(20, 32):
        spoilt = image.copy()
        spoilt[at : at + 4, at : at + 4] = 255
        found.append(worst_tile(image, spoilt, peak=255))
    assert max(found) - min(found) < 4


def test_trap_dividing_by_the_batch_axis() -> None:
    noisy = REFERENCE + 0.01
    one = signal_to_noise(REFERENCE[None], noisy[None])
    many = signal_to_noise(np.stack([REFERENCE] * 8), np.stack([noisy] * 8))
    assert abs(one - many) < 1e-9


def test_trap_lpips_fed_with_0_to_1_reads_another_figure() -> None:
    import torch

    lpips = MetricModels().lpips
    image = specimens.drawn()[0].image
    noisy = np.clip(image + 25 * RNG.normal(size=image.shape), 0, 255).astype(np.uint8)
    right = lpips.distance(image, noisy)
    with torch.inference_mode():
        a, b = ((lpips.prepare(x) + 1) / 2 for x in (image, noisy))
        assert lpips._network is not None
        wrong = float(lpips._network(a, b))
    assert abs(wrong - right) > 0.1 * right
    assert (float(lpips.prepare(image).min()), float(lpips.prepare(image).max())) >= (-1.0, 0.5)


def test_trap_noise_scores_high_against_a_nonsense_prompt() -> None:
    """An absolute CLIP score says nothing: every figure of CLIP comes with the teacher's own."""
    assert all(METRICS[name].better == "higher" for name in ("clip_score", "clip_directional"))
    clip = MetricModels().clip
    noise = RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    prompts = [specimen.caption for specimen in specimens.drawn()]
    best = max(float(clip.image(noise) @ clip.text(prompt)) for prompt in prompts)
    own = [float(clip.image(s.image) @ clip.text(s.caption)) for s in specimens.drawn()]
    assert best < min(own)


def test_trap_fid_is_useless_at_these_numbers() -> None:
    assert not [name for name in METRICS if "fid" in name]
