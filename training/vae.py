"""The autoencoder: pictures to 4-channel latents and back, then its decoder once more alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from sdqa import compat
from training.config import Vae
from training.data import Drawings
from training.loop import TrainingStage, normal

SURE = -6.0
"""Log-variance at the start: with more noise than this the latents carry nothing, and training stalls at 16 dB."""
SPREAD = 4.0
"""Gain of the latents' means at the start, for the same reason."""
SAFE = 128.0
"""Largest value that the encoder's last norm is to square: half of what fp16 can."""


def build(config: Vae, size: int) -> Any:
    """An untrained AutoencoderKL with both middle attention blocks."""
    compat.prepare_hub()
    from diffusers import AutoencoderKL

    vae = AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=config.latent_channels,
        block_out_channels=config.channels,
        down_block_types=("DownEncoderBlock2D",) * len(config.channels),
        up_block_types=("UpDecoderBlock2D",) * len(config.channels),
        layers_per_block=config.layers,
        norm_num_groups=config.groups,
        sample_size=size,
        act_fn="silu",
    )
    with torch.no_grad():
        means, log_variances = slice(0, config.latent_channels), slice(config.latent_channels, None)
        vae.quant_conv.weight[log_variances] = 0
        vae.quant_conv.bias[log_variances] = SURE
        vae.quant_conv.weight[means] *= SPREAD
    return vae


def load(folder: Path) -> Any:
    compat.prepare_hub()
    from diffusers import AutoencoderKL

    return AutoencoderKL.from_pretrained(folder, local_files_only=True).float()


def psnr(a: Tensor, b: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of images in [-1, 1], in dB, one an image."""
    return 10 * torch.log10(4 / (a - b).square().mean((1, 2, 3)))


def squared_by(norm: nn.Module, given: Tensor) -> float:
    """The largest value that a group or layer norm squares: the farthest from the mean of its group."""
    groups = given.reshape(len(given), norm.num_groups, -1) if isinstance(norm, nn.GroupNorm) else given
    return (groups - groups.mean(-1, keepdim=True)).abs().max().item()


@torch.no_grad()
def fit_half(vae: Any, images: Tensor) -> None:
    """Scale the encoder's last residual stream by a power of two, so that the squares of its values fit fp16.

    Group norms square what they are given, and fp16 ends at 65,504. Only norms read this stream, so the latents stay.
    """
    encoder, largest = vae.encoder, 0.0

    def look(norm: nn.Module, given: tuple[Tensor, ...]) -> None:
        nonlocal largest
        largest = max(largest, squared_by(norm, given[0]))

    hook = encoder.conv_norm_out.register_forward_pre_hook(look)
    encode(vae, images)
    hook.remove()
    scale = 2.0 ** min(0, math.floor(math.log2(SAFE / max(largest, 1e-6))))
    level, middle = encoder.down_blocks[-1], encoder.mid_block
    begins = level.resnets[0].conv_shortcut or encoder.down_blocks[-2].downsamplers[0].conv
    adding = [resnet.conv2 for resnet in (*level.resnets, *middle.resnets)]
    for layer in (begins, *adding, *(attention.to_out[0] for attention in middle.attentions)):
        layer.weight *= scale
        layer.bias *= scale


@torch.no_grad()
def encode(vae: Any, images: Tensor) -> Tensor:
    """The latents' means, in batches, unscaled."""
    return torch.cat([vae.encode(part).latent_dist.mean.float() for part in torch.split(images, 64)])


@torch.no_grad()
def decode(vae: Any, latents: Tensor) -> Tensor:
    """Images in [-1, 1], in batches."""
    return torch.cat([vae.decode(part).sample.float() for part in torch.split(latents, 64)]).clamp(-1, 1)


def encode_all(vae: Any, drawings: Drawings) -> Tensor:
    """The unscaled latents of every drawing, N×C×h×w, on the drawings' device."""
    vae.to(drawings.pixels.device).eval()
    parts = torch.split(torch.arange(len(drawings.pixels)), 256)
    return torch.cat([encode(vae, drawings.images(part)) for part in parts])


class VaeStage(TrainingStage):
    """Encoder and decoder together."""

    name = "vae"

    def __init__(self, config: Vae, drawings: Drawings, vae: Any) -> None:
        self.config, self.drawings, self.vae = config, drawings, vae
        self.schedule = config.schedule
        self.modules = {"vae": vae}
        self.anchors = encode_all(vae, drawings) if config.anchor else None

    def loss(self, random: Generator) -> tuple[Tensor, dict[str, Tensor]]:
        indices = self._indices(random)
        images = self.drawings.images(indices)
        posterior = self.vae.encode(images).latent_dist
        mean, log_variance = posterior.mean.float(), posterior.logvar.float()
        noise = normal(mean.shape, random, mean.device)
        drawn = self.vae.decode(mean + torch.exp(0.5 * log_variance) * noise).sample.float()
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        loss = self._reconstruction(drawn, images) + self.config.kl * divergence
        figures = {"psnr": psnr(drawn.detach(), images).mean(), "kl": divergence.detach()}
        if self.anchors is not None:
            drift = (mean - self.anchors[indices.to(mean.device)]).square().mean()
            loss, figures["drift"] = loss + self.config.anchor * drift, drift.detach().sqrt()
        return loss, figures

    def hot(self) -> Sequence[nn.Module]:
        return [self.vae.encoder, self.vae.decoder]

    def _indices(self, random: Generator) -> Tensor:
        return torch.randint(0, self.drawings.training, (self.schedule.batch,), generator=random)

    def _reconstruction(self, drawn: Tensor, images: Tensor) -> Tensor:
        """Absolute, squared and edge error."""
        error = drawn - images
        edges = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
        return error.abs().mean() + self.config.squared * error.square().mean() + self.config.gradient * edges

    def measure(self) -> dict[str, float]:
        images = self.drawings.images(self.drawings.held_out(256))
        latents = encode(self.vae, images)
        found = psnr(decode(self.vae, latents), images)
        return {"psnr": found.mean().item(), "worst_psnr": found.min().item(), "latent_std": latents.std().item()}

    def export(self, folder: Path) -> None:
        """Sets the scaling factor from the training latents' spread, as Stable Diffusion's was."""
        images = self.drawings.images(torch.arange(min(512, self.drawings.training)))
        fit_half(self.vae, images)
        latents = encode(self.vae, images)
        self.vae.register_to_config(scaling_factor=float(self.config.latent_std / latents.std()))
        self.vae.save_pretrained(folder)


class DecoderStage(VaeStage):
    """The decoder alone, from the fixed encoder's slightly noised latents."""

    name = "vae-decoder"

    def __init__(self, config: Vae, drawings: Drawings, vae: Any) -> None:
        super().__init__(config.model_copy(update={"anchor": 0.0}), drawings, vae)
        self.schedule = config.decoder
        vae.encoder.requires_grad_(False)
        vae.quant_conv.requires_grad_(False)
        self.latents = encode_all(vae, drawings)

    def loss(self, random: Generator) -> tuple[Tensor, dict[str, Tensor]]:
        indices = self._indices(random)
        images = self.drawings.images(indices)
        latents = self.latents[indices.to(images.device)]
        strength = self.config.latent_noise * torch.rand(len(indices), 1, 1, 1, generator=random)
        noise = normal(latents.shape, random, latents.device) * strength.to(latents.device)
        drawn = self.vae.decode(latents + noise).sample.float()
        return self._reconstruction(drawn, images), {"psnr": psnr(drawn.detach(), images).mean()}

    def export(self, folder: Path) -> None:
        """Keeps the scaling factor, because the latents are what they were."""
        self.vae.save_pretrained(folder)
