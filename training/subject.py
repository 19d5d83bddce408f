"""A folder of weights ready to draw: pipelines, open_clip, judge, and scenes that nothing was trained on."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sdqa import compat
from sdqa.embedded import attributes, clip, scenes
from sdqa.embedded.attributes import AttributeNet
from sdqa.embedded.clip import OpenClip
from sdqa.embedded.scenes import Scene

UNSEEN = 900_000
"""Seed of the first scene that is only measured on."""
BATCH = 16

Distance = Callable[[Tensor, Tensor], Tensor]
"""A perceptual distance of two N×3×S×S tensors in [-1, 1]: N figures, 0 for equal ones."""


def unseen(count: int, kind: str | None = None, offset: int = 0) -> list[Scene]:
    return [scenes.sample(UNSEEN + offset + i, kind) for i in range(count)]


def pixels(drawn: Sequence[Scene], size: int) -> Tensor:
    """float32 in [-1, 1], N×3×S×S."""
    images = np.stack([np.asarray(scenes.draw(scene, size)) for scene in drawn])
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div(127.5).sub(1)


@dataclass(frozen=True)
class SubjectSettings:
    """How to draw. The scheduler is the pipeline's own, but DDIM for image-to-image, where PNDM stops a step early."""

    steps: int = 20
    guidance: float = 4.0
    strength: float = 0.5
    """Of image-to-image only."""


@dataclass(frozen=True)
class SubjectModel:
    """Weights under measurement, in fp32 on the CPU."""

    folder: Path
    pipe: Any
    """StableDiffusionImg2ImgPipeline; `vae`, `unet` and `text_encoder` in eval mode."""
    open_clip: OpenClip
    judge: AttributeNet

    @classmethod
    def load(cls, folder: Path) -> SubjectModel:
        compat.prepare_hub()
        from diffusers import StableDiffusionImg2ImgPipeline
        from diffusers.utils import logging as diffusers_logging
        from transformers.utils import logging as transformers_logging

        diffusers_logging.disable_progress_bar()
        transformers_logging.disable_progress_bar()
        pipe = StableDiffusionImg2ImgPipeline.from_pretrained(
            folder / "pipeline", safety_checker=None, local_files_only=True
        ).to(torch.float32)
        pipe.set_progress_bar_config(disable=True)
        return cls(folder, pipe, clip.load(folder / "open_clip"), attributes.load(folder / "attributes"))

    @property
    def size(self) -> int:
        """Pixels a side."""
        return int(self.open_clip.preprocess.size)

    def with_unet(self, change: Callable[[Any], None]) -> SubjectModel:
        """The same subject with a changed copy of its U-Net."""
        unet = copy.deepcopy(self.pipe.unet)
        change(unet)
        return self.replacing(unet=unet)

    def in_half(self) -> SubjectModel:
        """The same subject computing in fp16 throughout."""
        parts = {name: copy.deepcopy(part) for name, part in self.pipe.components.items()}
        for part in parts.values():
            if isinstance(part, torch.nn.Module):
                part.half()
        return self.replacing(**parts)

    def replacing(self, **components: Any) -> SubjectModel:
        """The same subject with other parts of its pipeline."""
        from diffusers import StableDiffusionImg2ImgPipeline

        pipe = StableDiffusionImg2ImgPipeline(**{**self.pipe.components, **components}, requires_safety_checker=False)
        pipe.set_progress_bar_config(disable=True)
        return SubjectModel(self.folder, pipe, self.open_clip, self.judge)

    def imagine(self, prompts: Sequence[str], settings: SubjectSettings, batch: int = BATCH) -> Tensor:
        """Text-to-image; picture `i` starts from noise of seed `i`. Returns images in [-1, 1]."""
        from diffusers import StableDiffusionPipeline

        pipe = StableDiffusionPipeline(**self.pipe.components, requires_safety_checker=False)
        pipe.set_progress_bar_config(disable=True)
        return _drawn(
            lambda part: (
                pipe(
                    prompt=[prompts[i] for i in part],
                    num_inference_steps=settings.steps,
                    guidance_scale=settings.guidance,
                    generator=_generators(part),
                    output_type="pt",
                ).images
            ),
            len(prompts),
            batch,
        )

    def repaint(self, sources: Tensor, prompts: Sequence[str], settings: SubjectSettings, batch: int = BATCH) -> Tensor:
        """Image-to-image from sources in [-1, 1]; noise of seed `i` for picture `i`. Returns images in [-1, 1]."""
        from diffusers import DDIMScheduler

        pipe = self.replacing(scheduler=DDIMScheduler.from_config(self.pipe.scheduler.config)).pipe
        return _drawn(
            lambda part: (
                pipe(
                    prompt=[prompts[i] for i in part],
                    image=(sources[list(part)] + 1) / 2,
                    strength=settings.strength,
                    num_inference_steps=settings.steps,
                    guidance_scale=settings.guidance,
                    generator=_generators(part),
                    output_type="pt",
                ).images
            ),
            len(prompts),
            batch,
        )


def _generators(part: range) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(i) for i in part]


def _drawn(draw: Callable[[range], Tensor], count: int, batch: int) -> Tensor:
    parts = [draw(range(i, min(i + batch, count))).float() for i in range(0, count, batch)]
    return torch.cat(parts).mul(2).sub(1)
