"""Component parity: real inputs at every timestep, and what a PSNR must and must not say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sdqa.generate.noise import Noise
from sdqa.generate.parity import PSNR_CAP_DB, psnr_db, teacher_guidance, teacher_trace
from sdqa.generate.pipeline import Request
from sdqa.models import load_teacher
from sdqa.store import Store


def test_trap_random_inputs_at_the_first_timestep_only(tmp_path: Path) -> None:
    source = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    request = Request("a portrait", "", source, 1.0, 3.0, 8, "ddim", Noise.draw(1, (4, 16, 16)))
    teacher, store = load_teacher("embedded:tiny"), Store(tmp_path)
    trace = teacher_trace(teacher, request, store)
    timesteps = [float(call.inputs["timestep"][0]) for call in trace["unet"]]
    assert len(set(timesteps)) == 8
    assert max(timesteps) > 800
    assert min(timesteps) < 100
    spreads = [float(call.inputs["sample"].std()) for call in trace["unet"]]
    assert max(spreads) > 0.6  # torch.rand has 0.29
    decoded = trace["vae_decoder"][0].inputs["z"]
    assert decoded.min() < -1  # latents before scaling; torch.rand is never negative
    assert trace["vae_encoder"][0].inputs["x"].min() < -0.9
    guided = teacher_guidance(teacher, request, store)
    assert len(guided) == 8
    without, with_prompt = next(iter(trace["unet"][3].outputs.values())).astype(np.float64)
    assert guided[3] == pytest.approx(float(np.sqrt(((with_prompt - without) ** 2).mean())))
    assert min(guided) > 0, "the prompt moves every step"


def test_psnr_is_taken_from_the_reference() -> None:
    reference = np.linspace(0, 1, 100)
    spiked = reference.copy()
    spiked[3] = 100.0
    assert psnr_db(reference, reference) == PSNR_CAP_DB
    assert psnr_db(reference, spiked) < 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_or_has_another_shape_has_no_psnr(bad: float) -> None:
    reference = np.ones((2, 2))
    assert np.isnan(psnr_db(reference, np.array([[1.0, bad], [1.0, 1.0]])))
    assert np.isnan(psnr_db(reference, np.ones((2, 3))))
