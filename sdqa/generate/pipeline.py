"""diffusers' pipelines over runners: one object graph for teacher, candidate and every mixture of the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from sdqa import compat
from sdqa.generate.film import LatentSteps, recorded_steps
from sdqa.generate.noise import Noise
from sdqa.runtime import Recorder, Runner

compat.prepare_hub()

with compat.uncollected():
    import torch
    from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionPipeline
    from torch import Tensor

from sdqa.generate.modules import TextEncoderModule, UNetModule, VaeModule  # noqa: E402
from sdqa.generate.schedule import make_scheduler  # noqa: E402


@dataclass(frozen=True)
class Glue:
    """What lies between the components. The defaults are the teacher's; a fault or an ablation changes them."""

    scaling_factor: float | None = None
    decode_scaling_factor: float | None = None  # only on the way out
    scheduler_overrides: Mapping[str, Any] = field(default_factory=dict)
    timestep_offset: float = 0.0  # added to what the U-Net is told
    drop_timesteps: int = 0  # leading entries that image-to-image forgets
    swap_guidance: bool = False  # conditional and unconditional halves exchanged
    source_transform: str = ""  # "bgr", "unit-range", "flip"
    output_transform: str = ""  # the same, after the VAE decoder


@dataclass(frozen=True)
class Request:
    """One generation, resolved: plain values only."""

    prompt: str
    negative_prompt: str
    source: npt.NDArray[np.uint8] | None  # (H, W, 3); None is text-to-image
    strength: float
    guidance_scale: float
    steps: int
    scheduler: str
    noise: Noise


@dataclass(frozen=True)
class Generation:
    """What came out: the picture, and what it was made from on the way."""

    image: npt.NDArray[np.uint8]  # (H, W, 3); non-finite values are drawn black
    decoded: npt.NDArray[np.float32]  # (3, H, W), the VAE decoder's output before clipping
    latents: npt.NDArray[np.float32]  # (C, h, w), scaled as the U-Net sees them
    timesteps: tuple[float, ...]
    recorders: Mapping[str, Recorder]
    film: LatentSteps

    @property
    def nonfinite(self) -> dict[str, int]:
        """NaN and infinite elements that each component put out, over all its calls."""
        return {name: sum(call.nonfinite for call in recorder.calls) for name, recorder in self.recorders.items()}


class _Img2Img(StableDiffusionImg2ImgPipeline):  # type: ignore[misc]
    """Image-to-image with recorded noise in the place of a generator's."""

    initial_noise: Tensor
    source: Tensor  # (1, 3, H, W) in [-1, 1]

    def prepare_latents(self, image: Tensor, timestep: Tensor, *_: Any, **__: Any) -> Tensor:  # noqa: ARG002
        """Encode the source, scale, and add the recorded noise at the first timestep.

        The source is taken as it is: diffusers guesses a tensor's range from its smallest value, and a bright picture
        without a value below zero would be rescaled twice.
        """
        latents = self.vae.config.scaling_factor * self.vae.encode(self.source).latent_dist.sample()
        return self.scheduler.add_noise(latents, self.initial_noise, timestep)  # type: ignore[no-any-return]


class Graph:
    """A pipeline whose components are runners; every call of `generate` is independent of the ones before it."""

    def __init__(self, runners: Mapping[str, Runner], parts: Mapping[str, Any], glue: Glue | None = None) -> None:
        """
        Args:
            runners: text_encoder, unet, vae_decoder and, for image-to-image, vae_encoder.
            parts: the teacher's tokenizer, scheduler configuration and component configurations.
        """
        self.runners = dict(runners)
        self.parts = parts
        self.glue = glue or Glue()

    def generate(self, request: Request, *, keep_tensors: bool = False) -> Generation:
        """Run one case.

        Args:
            keep_tensors: remember every component's inputs and outputs in the generation's recorders.
        """
        recorders = {name: Recorder(runner, keep_tensors) for name, runner in self.runners.items()}
        pipeline = self._pipeline(recorders, request)
        latents = self._sample(pipeline, request)
        factor = self.glue.decode_scaling_factor or float(pipeline.vae.config.scaling_factor)
        with torch.no_grad():
            decoded = pipeline.vae.decode(latents / factor)[0][0]
        decoded = _transform(decoded[None], self.glue.output_transform)[0]
        pixels = torch.nan_to_num(decoded, nan=-1.0, posinf=1.0, neginf=-1.0).clamp(-1, 1)
        image = ((pixels + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).numpy()
        return Generation(
            image=np.ascontiguousarray(image),
            decoded=decoded.numpy(),
            latents=latents[0].numpy(),
            timesteps=tuple(float(t) for t in pipeline.timesteps_run),
            recorders=recorders,
            film=_film(pipeline),
        )

    def _pipeline(self, recorders: Mapping[str, Recorder], request: Request) -> Any:
        vae_config = _config(self.parts["vae_config"], scaling_factor=self.glue.scaling_factor)
        vae = VaeModule(
            recorders.get("vae_encoder"),
            recorders["vae_decoder"],
            vae_config,
            torch.from_numpy(request.noise.posterior)[None],
        )
        kind = StableDiffusionPipeline if request.source is None else _Img2Img
        pipeline = kind(
            vae=vae,
            text_encoder=TextEncoderModule(recorders["text_encoder"], self.parts["text_encoder_config"]),
            tokenizer=self.parts["tokenizer"],
            unet=UNetModule(recorders["unet"], _config(self.parts["unet_config"])),
            scheduler=None,
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        # Afterwards: a pipeline's constructor sets a scheduler's clip_sample and steps_offset to values of its own.
        pipeline.scheduler = make_scheduler(
            request.scheduler, self.parts["scheduler_config"], **self.glue.scheduler_overrides
        )
        pipeline.set_progress_bar_config(disable=True)
        pipeline.timesteps_run = []
        pipeline.latents_kept = {}
        return pipeline

    def _sample(self, pipeline: Any, request: Request) -> Tensor:
        """The denoising loop, by diffusers; returns latents (1, C, h, w)."""
        initial = torch.from_numpy(request.noise.initial)[None]
        glue, unet_forward = self.glue, pipeline.unet.forward

        def forward(sample: Tensor, timestep: Any, encoder_hidden_states: Tensor, **rest: Any) -> tuple[Tensor]:
            pipeline.timesteps_run.append(float(timestep))
            if glue.swap_guidance and encoder_hidden_states.shape[0] == 2:
                encoder_hidden_states = encoder_hidden_states.flip(0)
            return unet_forward(sample, timestep + glue.timestep_offset, encoder_hidden_states, **rest)  # type: ignore[no-any-return]

        pipeline.unet.forward = forward
        common: dict[str, Any] = {
            "prompt": request.prompt,
            "negative_prompt": request.negative_prompt,
            "guidance_scale": request.guidance_scale,
            "num_inference_steps": request.steps,
            "callback_on_step_end": _keep_latents,
            "output_type": "latent",
        }
        with torch.no_grad():
            if request.source is None:
                height, width = (size * pipeline.vae_scale_factor for size in request.noise.initial.shape[1:])
                return pipeline(latents=initial, height=height, width=width, **common).images  # type: ignore[no-any-return]
            image = torch.from_numpy(np.array(request.source)).permute(2, 0, 1)[None].float() / 127.5 - 1
            pipeline.initial_noise = initial
            if glue.drop_timesteps:
                keep = pipeline.get_timesteps

                def get_timesteps(steps: int, strength: float, device: Any) -> tuple[Tensor, int]:
                    timesteps, count = keep(steps, strength, device)
                    return timesteps[glue.drop_timesteps :], count - glue.drop_timesteps

                pipeline.get_timesteps = get_timesteps
            pipeline.source = _transform(image, glue.source_transform)
            return pipeline(image=(image + 1) / 2, strength=request.strength, **common).images  # type: ignore[no-any-return]


def _keep_latents(pipeline: Any, index: int, _timestep: Any, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Diffusers' call after every step: remember the latents after a few of them, change nothing."""
    if index + 1 in recorded_steps(pipeline.num_timesteps):
        pipeline.latents_kept[index + 1] = tensors["latents"][0].float().numpy().copy()
    return {}


def _film(pipeline: Any) -> LatentSteps:
    kept: dict[int, npt.NDArray[np.float32]] = pipeline.latents_kept
    return LatentSteps(tuple(kept), pipeline.num_timesteps, np.stack(list(kept.values())))


def _config(config: Any, **overrides: Any) -> Any:
    """A component's configuration with the given entries replaced (None leaves them)."""
    from diffusers.configuration_utils import FrozenDict

    return FrozenDict({**config, **{key: value for key, value in overrides.items() if value is not None}})


def _transform(image: Tensor, name: str) -> Tensor:
    """The classic mistakes with pictures (1, 3, H, W) in [-1, 1]."""
    match name:
        case "":
            return image
        case "bgr":
            return image.flip(1)
        case "unit-range":
            return (image + 1) / 2
        case "flip":
            return image.flip(3)
        case "transpose":
            return image.transpose(2, 3).contiguous()
    raise ValueError(f"unknown transform {name!r}")
