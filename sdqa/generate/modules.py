"""Thin modules that stand where diffusers' pipeline expects its networks, and call a runner.

The pipeline sees the shapes and attributes it knows; the runner sees the component's I/O contract. Teacher and
candidate both go through these modules, so that nothing but the runners differs.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sdqa.errors import ContractError
from sdqa.families.records import GUIDANCE_PAIR
from sdqa.runtime import Runner


def _run(runner: Runner, **inputs: Tensor) -> dict[str, Tensor]:
    outputs = runner.run({name: value.detach().cpu().numpy() for name, value in inputs.items()})
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in outputs.items()}


def _output(outputs: dict[str, Tensor], name: str, component: str, shape: tuple[int, ...]) -> Tensor:
    if name not in outputs:
        raise ContractError(f"no output {name!r}, only {', '.join(outputs)}", where=component)
    value = outputs[name].float()
    if tuple(value.shape) != shape:
        raise ContractError(f"{name} has shape {tuple(value.shape)}, expected {shape}", where=component)
    return value


class ComponentModule(nn.Module):
    """What diffusers asks of any network: `config`, `dtype`, `device`."""

    def __init__(self, runner: Runner, config: Any) -> None:
        super().__init__()
        self.runner = runner
        self.config = config

    @property
    def dtype(self) -> torch.dtype:
        """Everything between the components is float32."""
        return torch.float32

    @property
    def device(self) -> torch.device:
        """Everything between the components is on the host."""
        return torch.device("cpu")


class TextEncoderModule(ComponentModule):
    """CLIP text encoder: token ids (B, S) → last hidden state (B, S, D) and pooled output (B, D), where it has one."""

    def forward(self, input_ids: Tensor, **_: Any) -> tuple[Tensor, Tensor | None]:
        """Runs the prompts one by one: the package's batch size is one."""
        hidden, pooled = [], []
        width = int(self.config.hidden_size)
        for row in input_ids:
            outputs = _run(self.runner, input_ids=row[None].to(torch.int32))
            hidden.append(_output(outputs, "last_hidden_state", "text_encoder", (1, row.shape[0], width)))
            if "pooled_outputs" in outputs:
                pooled.append(outputs["pooled_outputs"].float().reshape(1, -1))
        return torch.cat(hidden), torch.cat(pooled) if pooled else None


class UNetModule(ComponentModule):
    """Denoiser: latents (B, C, h, w), timestep, text embeddings (B, S, D) → noise prediction (B, C, h, w)."""

    package_batch = GUIDANCE_PAIR  # unconditional and conditional, as classifier-free guidance runs them

    def forward(
        self, sample: Tensor, timestep: Tensor | float, encoder_hidden_states: Tensor, **_: Any
    ) -> tuple[Tensor]:
        """Pads a batch of one to the package's two."""
        batch = sample.shape[0]
        steps = torch.as_tensor(timestep, dtype=torch.float32).reshape(-1).expand(batch).clone()
        states = encoder_hidden_states.permute(0, 2, 1)[:, :, None, :]
        if batch < self.package_batch:
            sample, steps, states = (torch.cat([x] * self.package_batch) for x in (sample, steps, states))
        outputs = _run(
            self.runner, sample=sample.float(), timestep=steps, encoder_hidden_states=states.contiguous().float()
        )
        return (_output(outputs, "noise_pred", "unet", tuple(sample.shape))[:batch],)


class LatentDistribution:
    """The VAE encoder's Gaussian, sampled with recorded noise instead of a generator."""

    def __init__(self, moments: Tensor, noise: Tensor) -> None:
        self.mean, log_variance = moments.chunk(2, dim=1)
        self.std = torch.exp(0.5 * log_variance.clamp(-30.0, 20.0))
        self.noise = noise

    def sample(self, generator: Any = None) -> Tensor:  # noqa: ARG002 - diffusers' signature
        """mean + std * recorded noise."""
        return self.mean + self.std * self.noise


class VaeModule(ComponentModule):
    """Both halves of the autoencoder."""

    def __init__(self, encoder: Runner | None, decoder: Runner, config: Any, posterior_noise: Tensor) -> None:
        super().__init__(decoder, config)
        self.encoder_runner = encoder
        self.posterior_noise = posterior_noise

    def encode(self, x: Tensor, **_: Any) -> SimpleNamespace:
        """Image (1, 3, H, W) in [-1, 1] → distribution of latents (1, C, h, w)."""
        if self.encoder_runner is None:
            raise ContractError("image-to-image needs a VAE encoder", where="vae_encoder")
        outputs = _run(self.encoder_runner, x=x.float())
        noise = self.posterior_noise
        moments = _output(outputs, "latent", "vae_encoder", (1, 2 * noise.shape[1], *noise.shape[2:]))
        return SimpleNamespace(latent_dist=LatentDistribution(moments, noise))

    def decode(self, z: Tensor, **_: Any) -> tuple[Tensor]:
        """Latents (1, C, h, w) → image (1, 3, H, W)."""
        outputs = _run(self.runner, z=z.float())
        if "image" not in outputs or outputs["image"].ndim != 4:
            raise ContractError(f"no picture among the outputs {', '.join(outputs)}", where="vae_decoder")
        return (outputs["image"].float(),)
