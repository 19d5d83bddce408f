"""The U-Net inputs that a teacher really sees: its own sampling, recorded at several timesteps for several prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from sdqa.convert.wrappers import wrap
from sdqa.models.teacher import Teacher

PROMPTS = ("Portrait of a pretty girl", "A beautiful landscape with mountains and a lake, golden hour lighting")
STEPS = 4
GUIDANCE_SCALE = 4.0
SEED = 0


@torch.no_grad()
def record_trajectory(
    teacher: Teacher, prompts: Sequence[str] = PROMPTS, *, steps: int = STEPS
) -> list[tuple[Tensor, ...]]:
    """Inputs of the wrapped U-Net, in the contract's order, at every step of a short DDIM sampling of each prompt.

    Returns:
        `len(prompts) * steps` tuples of fp32 tensors with batch 2: without and with the prompt.
    """
    from diffusers import DDIMScheduler

    unet = wrap(teacher, "unet")
    scheduler: Any = DDIMScheduler.from_config(teacher.part("scheduler").config, clip_sample=False)
    scheduler.set_timesteps(steps)
    generator = torch.Generator().manual_seed(SEED)
    facts = teacher.facts
    recorded = []
    for prompt in prompts:
        text = _embed(teacher, ("", prompt))
        latents = torch.randn((1, facts.latent_channels, facts.sample_size, facts.sample_size), generator=generator)
        for timestep in scheduler.timesteps:
            sample = scheduler.scale_model_input(latents, timestep).expand(2, -1, -1, -1).contiguous()
            inputs = (sample, timestep.to(torch.float32).expand(2).contiguous(), *text)
            recorded.append(inputs)
            plain, guided = unet(*inputs).chunk(2)
            noise = plain + GUIDANCE_SCALE * (guided - plain)
            latents = scheduler.step(noise, timestep, latents, return_dict=False)[0]
    return recorded


def merged(inputs: Sequence[tuple[Tensor, ...]]) -> list[tuple[Tensor, ...]]:
    """All inputs as one large batch: many times faster for small models, too large for big ones."""
    return [tuple(torch.cat(tensors) for tensors in zip(*inputs, strict=True))]


def _embed(teacher: Teacher, prompts: Sequence[str]) -> tuple[Tensor, ...]:
    """`encoder_hidden_states` (n, D, 1, S) and, for SDXL, `time_ids` (n, 6) and `text_embeds` (n, P)."""
    hidden, pooled = [], torch.empty(0)
    for component in teacher.family.text_encoders:
        tokenizer = teacher.part(component.tokenizer)
        encoder = wrap(teacher, component.name)
        ids = tokenizer(
            list(prompts), padding="max_length", max_length=teacher.facts.sequence_length, truncation=True
        ).input_ids
        results = [encoder(torch.tensor([row], dtype=torch.float32)) for row in ids]
        hidden.append(torch.cat([states for states, _ in results]))
        pooled = torch.cat([vector for _, vector in results])
    context = torch.cat(hidden, dim=-1).transpose(1, 2).unsqueeze(2).contiguous()
    if not teacher.family.denoiser.takes("time_ids"):
        return (context,)
    size = float(teacher.facts.image_size)
    time_ids = torch.tensor([[size, size, 0.0, 0.0, size, size]] * len(prompts))
    return context, time_ids, pooled
