"""Edits: what they change, and the trajectory that image-to-image is trained on."""

from __future__ import annotations

from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from sdqa.embedded import scenes
from sdqa.embedded.vocabulary import LANDSCAPE, PORTRAIT
from sdqa.errors import ConfigError
from training import data
from training.config import CONFIGS, Data, load
from training.edits import MOST, change, twin
from training.unet import UnetStage, alphas, edit_noise, scheduler, triangular, velocity


def differing(seed: int) -> int:
    before, after = scenes.sample(seed), twin(seed)
    names = PORTRAIT if before.kind == "portrait" else LANDSCAPE
    return sum(getattr(before.attributes, name) != getattr(after.attributes, name) for name in names)


def test_a_twin_is_the_same_person_or_place_with_one_or_two_attributes_changed() -> None:
    assert {differing(seed) for seed in range(40)} == {1, MOST}
    assert all(twin(seed).identity == scenes.sample(seed).identity for seed in range(40))
    assert twin(7) == twin(7)


def test_a_change_names_other_values() -> None:
    scene = scenes.sample(3)
    changed = change(scene, Random(1), 2)
    assert len(changed) == 2
    assert all(value != getattr(scene.attributes, name) for name, value in changed.items())


def test_the_drawn_edits_are_twins_of_training_scenes_only(tmp_path: Path) -> None:
    config = Data(size=32, count=20, held_out=5, seed=40)
    edited = data.draw_edits(config, tmp_path / "edited.npy", torch.device("cpu"))
    assert len(edited.pixels) == len(edited.captions) == 15
    assert np.array_equal(edited.pixels[3].permute(1, 2, 0).numpy(), np.asarray(scenes.draw(twin(43), 32)))
    assert edited.captions[3][-1] == twin(43).caption


def test_an_edit_starts_as_the_noised_source_and_ends_as_the_wanted_picture() -> None:
    """Stepped by the real DDIM scheduler with the ideal prediction, as image-to-image steps it."""
    from diffusers import DDIMScheduler

    source, wanted, noise = torch.randn(3, 2, 4, 4, 4, generator=Generator().manual_seed(1)).double()
    ddim = DDIMScheduler.from_config(scheduler("epsilon").config)
    ddim.set_timesteps(20)
    steps = ddim.timesteps[10:]
    alpha_bar = alphas().double()[steps[0]].expand(2)
    carried = edit_noise(noise, source, wanted, alpha_bar)
    state = ddim.add_noise(source, noise, steps[:1].expand(2))
    assert torch.allclose(state, ddim.add_noise(wanted, carried, steps[:1].expand(2)), atol=1e-6)
    for step in steps:
        assert torch.allclose(state, ddim.add_noise(wanted, carried, step.expand(2)), atol=1e-5)
        state = ddim.step(carried, step, state).prev_sample
    # The schedule ends at ᾱ_0, a hair before a noiseless picture.
    last = alphas().double()[0]
    assert torch.allclose(state, last.sqrt() * wanted + (1 - last).sqrt() * carried, atol=1e-5)


def test_an_edit_that_changes_nothing_is_ordinary_noise() -> None:
    latents, noise = torch.randn(2, 3, 4, 4, 4, generator=Generator().manual_seed(1))
    assert torch.equal(edit_noise(noise, latents, latents, torch.full((3,), 0.3)), noise)


def test_velocity_is_what_its_definition_says() -> None:
    latents, noise = torch.randn(2, 3, 4, 4, 4, generator=Generator().manual_seed(1))
    alpha_bar = torch.tensor([0.9, 0.3, 0.01]).view(3, 1, 1, 1)
    noised = alpha_bar.sqrt() * latents + (1 - alpha_bar).sqrt() * noise
    defined = alpha_bar.sqrt() * noise - (1 - alpha_bar).sqrt() * latents
    assert torch.allclose(velocity(noise, noised, alpha_bar), defined, atol=1e-5)


def test_strengths_stay_in_their_range_and_crowd_around_the_usual_one() -> None:
    strengths = triangular(torch.linspace(0, 0.9999, 10_000), 0.3, 0.5, 1.0)
    assert strengths.min() == pytest.approx(0.3)
    assert 0.98 < strengths.max() < 1.0
    assert (strengths.diff() > 0).all()
    counts = torch.histc(strengths, bins=14, min=0.3, max=1.0)
    assert counts.argmax() in (3, 4)
    assert strengths.mean() == pytest.approx(0.6, abs=1e-3)


class Reader(torch.nn.Module):
    """Predicts `value` everywhere for a caption, 0 without one, and remembers what it saw."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = torch.nn.Parameter(torch.tensor(value))
        self.seen: list[tuple[Tensor, Tensor]] = []

    def forward(self, noised: Tensor, timesteps: Tensor, hidden: Tensor) -> SimpleNamespace:
        self.seen.append((noised.detach(), timesteps))
        told = (hidden != 0).any(1).float().view(-1, 1, 1, 1)
        return SimpleNamespace(sample=self.value * told * torch.ones_like(noised))


def bare_stage(reader: Reader, **config: Any) -> Any:
    """A stage of four scenes with latents 1, 2, 3, 4 and edits with latents -1, -2, -3, -4."""
    stage: Any = object.__new__(UnetStage)
    settings = {"prediction": "epsilon", "min_snr": 5.0, "distil": 0.0, "guidance": 1.0, "caption_dropout": 0.0}
    stage.config = SimpleNamespace(**{**settings, "edits": 0.5, "edit_strength": (0.3, 0.5, 1.0), **config})
    stage.schedule, stage.training = SimpleNamespace(batch=8), 4
    numbers = torch.arange(1.0, 5.0).view(4, 1, 1, 1).expand(4, 4, 4, 4)
    stage.latents, stage.tokens = numbers, torch.arange(10, 30).view(4, 5, 1)
    stage.edited = -numbers, torch.arange(110, 130).view(4, 5, 1)
    stage.empty = torch.zeros(1, 1).long()
    stage.unet, stage.teacher, stage.alpha_bar = reader, None, alphas()
    stage.text = lambda tokens: SimpleNamespace(last_hidden_state=tokens)
    return stage


def test_edits_pair_a_scene_with_its_own_twin_and_complete_caption() -> None:
    stage = bare_stage(Reader(0.0))
    indices = torch.tensor([0, 1, 2, 3]).repeat(16)
    zero, kept = torch.zeros(64, 4, 4, 4), torch.zeros(64, dtype=torch.bool)
    noise, wanted, tokens, timesteps = stage._edits(indices, kept, zero, Generator().manual_seed(3))
    numbers = (indices + 1).float() * wanted[:, 0, 0, 0].sign()
    assert torch.equal(wanted[:, 0, 0, 0], numbers)
    assert {1.0, -1.0} == set(numbers.sign().tolist())
    complete = torch.where(numbers > 0, stage.tokens[indices, -1, 0], stage.edited[1][indices, -1, 0])
    assert torch.equal(tokens[:, 0], complete)
    # The noise leads from the other one of the pair: it points away from the wanted one.
    assert torch.equal(noise[:, 0, 0, 0].sign(), -numbers.sign())
    assert ((timesteps >= 0) & (timesteps < 1000)).all()
    noise, *_ = stage._edits(indices, ~kept, zero, Generator().manual_seed(3))
    assert not noise.any()


def test_part_of_a_batch_are_edits_and_the_same_generator_gives_the_same() -> None:
    losses = []
    for _ in range(2):
        reader = Reader(0.5)
        losses.append(bare_stage(reader).loss(Generator().manual_seed(5))[0])
    assert torch.equal(*losses)
    without = bare_stage(Reader(0.5), edits=0.0).loss(Generator().manual_seed(5))[0]
    assert not torch.equal(losses[0], without)


def test_the_prediction_at_the_recipes_guidance_is_what_is_compared() -> None:
    latents, timesteps = torch.zeros(2, 4, 4, 4), torch.tensor([500, 500])
    tokens = torch.tensor([[11], [0]])
    target = torch.stack([torch.full((4, 4, 4), 1.0), torch.zeros(4, 4, 4)])
    perfect = bare_stage(Reader(0.5), guidance=2.0)
    loss, _ = perfect._denoising_loss(latents, target, timesteps, tokens)
    assert loss.item() == pytest.approx(0.0)
    plain = bare_stage(Reader(0.5))
    loss, _ = plain._denoising_loss(latents, target, timesteps, tokens)
    assert loss.item() > 0.05
    loss.backward()
    assert plain.unet.value.grad is not None


def test_a_recipe_names_a_wrong_strength(tmp_path: Path) -> None:
    text = (CONFIGS / "shipped.toml").read_text(encoding="utf-8")
    assert "edit_strength = [0.25, 0.5, 0.85]" in text
    path = tmp_path / "recipe.toml"
    path.write_text(text.replace("[0.25, 0.5, 0.85]", "[0.5, 0.3, 1.0]"), encoding="utf-8")
    with pytest.raises(ConfigError, match="edit_strength must rise"):
        load(path)
