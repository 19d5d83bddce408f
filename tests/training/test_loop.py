"""The learning rate, the seeds and the objectives are what they say."""

from __future__ import annotations

import itertools
import os
import signal
import time
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from training.config import Schedule
from training.loop import FLOOR, _between_steps, _lay_out, _seed, rate
from training.unet import UnetStage, alphas, scheduler


def test_the_rate_warms_up_stays_and_falls() -> None:
    schedule = Schedule(steps=100, batch=1, rate=1.0, warmup=10, plateau=0.5)
    rates = [rate(schedule, step) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9:50] == pytest.approx([1.0] * 41)
    assert all(a > b for a, b in itertools.pairwise(rates[51:]))
    assert rates[100] == pytest.approx(FLOOR)


def test_every_stage_and_step_has_its_own_seed() -> None:
    seeds = {_seed(run, stage, step) for run in (0, 1) for stage in ("vae", "unet", "clip") for step in range(50)}
    assert len(seeds) == 300


class Oracle(torch.nn.Module):
    """Predicts exactly what the scheduler calls the target."""

    def __init__(self, latents: torch.Tensor, prediction: str) -> None:
        super().__init__()
        self.latents, self.prediction, self.alpha_bar = latents, prediction, alphas()

    def forward(self, noised: torch.Tensor, timesteps: torch.Tensor, hidden: torch.Tensor) -> SimpleNamespace:
        alpha_bar = self.alpha_bar[timesteps].view(-1, 1, 1, 1)
        noise = (noised - alpha_bar.sqrt() * self.latents) / (1 - alpha_bar).sqrt()
        velocity = alpha_bar.sqrt() * noise - (1 - alpha_bar).sqrt() * self.latents
        return SimpleNamespace(sample=velocity if self.prediction == "v_prediction" else noise)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_a_perfect_denoiser_has_no_loss_and_its_scheduler_recovers_the_picture(prediction: str) -> None:
    latents = torch.randn(8, 4, 4, 4, generator=torch.Generator().manual_seed(1))
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(2))
    timesteps = torch.linspace(1, 999, 8).long()
    oracle = Oracle(latents, prediction)
    stage: Any = object.__new__(UnetStage)
    stage.config = SimpleNamespace(prediction=prediction, min_snr=5.0, distil=0.0, guidance=1.0)
    stage.unet, stage.teacher, stage.alpha_bar = oracle, None, alphas()
    stage.empty = torch.zeros(1, 1)
    stage.text = lambda tokens: SimpleNamespace(last_hidden_state=tokens)
    loss, figures = stage._denoising_loss(latents, noise, timesteps, torch.zeros(8, 1))
    assert loss.item() < 1e-6
    assert figures["mse"].item() < 1e-6

    from diffusers import DDIMScheduler

    ddim = DDIMScheduler.from_config(scheduler(prediction).config)
    assert ddim.config.prediction_type == prediction
    assert not ddim.config.clip_sample
    ddim.set_timesteps(20)
    t = ddim.timesteps[3]
    noised = ddim.add_noise(latents, noise, t.expand(8))
    recovered = ddim.step(oracle(noised, t.expand(8), noise).sample, t, noised).pred_original_sample
    assert torch.allclose(recovered, latents, atol=1e-4)


def test_a_signal_waits_for_the_end_of_the_step() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with _between_steps() as came:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)
        assert came == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is before


def test_only_what_learns_as_a_whole_is_laid_out_channels_last() -> None:
    def layout(frozen: bool) -> bool:
        module = torch.nn.Sequential(torch.nn.Conv2d(4, 8, 3), torch.nn.GroupNorm(2, 8), torch.nn.Conv2d(8, 4, 3))
        module[0].requires_grad_(not frozen)
        before = [parameter.detach().clone() for parameter in module.parameters()]
        _lay_out(module, torch.channels_last)
        assert all(torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))
        module(torch.ones(1, 4, 8, 8)).sum().backward()
        return module[2].weight.is_contiguous(memory_format=torch.channels_last)

    assert layout(frozen=False)
    assert not layout(frozen=True)
