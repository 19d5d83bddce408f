"""The denoiser and the text encoder that conditions it, trained together on scaled latents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor

from sdqa import compat
from training import tokenizer as words
from training.config import Text, Unet
from training.data import Drawings
from training.loop import TrainingStage, normal
from training.vae import encode_all

NOISE_SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
}
"""That of Stable Diffusion."""
LEAST_WEIGHT = 0.05
EPSILON = "epsilon"


def build(config: Unet, text: Text, latent_size: int, latent_channels: int) -> Any:
    """An untrained U-Net; without its mid-block where the configuration says so, as in Tiny SD."""
    compat.prepare_hub()
    from diffusers import UNet2DConditionModel

    def blocks(attending: str, plain: str, flags: tuple[bool, ...]) -> tuple[str, ...]:
        return tuple(attending if flag else plain for flag in flags)

    return UNet2DConditionModel(
        sample_size=latent_size,
        in_channels=latent_channels,
        out_channels=latent_channels,
        block_out_channels=config.channels,
        down_block_types=blocks("CrossAttnDownBlock2D", "DownBlock2D", config.attention),
        mid_block_type="UNetMidBlock2DCrossAttn" if config.mid_block else None,
        up_block_types=blocks("CrossAttnUpBlock2D", "UpBlock2D", config.attention[::-1]),
        layers_per_block=config.layers,
        cross_attention_dim=text.width,
        attention_head_dim=config.head_channels,
        norm_num_groups=config.groups,
    )


def build_text(config: Text, tokenizer: Any) -> Any:
    """An untrained CLIP text encoder for a tokenizer."""
    compat.prepare_hub()
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.width,
            intermediate_size=config.hidden,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            max_position_embeddings=tokenizer.model_max_length,
            projection_dim=config.width,
            hidden_act="quick_gelu",
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def load(folder: Path) -> Any:
    compat.prepare_hub()
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel.from_pretrained(folder, local_files_only=True).float()


def load_text(folder: Path) -> Any:
    compat.prepare_hub()
    from transformers import CLIPTextModel

    return CLIPTextModel.from_pretrained(folder, local_files_only=True).float()


def scheduler(prediction: str) -> Any:
    """The pipeline's scheduler: PNDM as Stable Diffusion ships it, with `clip_sample` off for DDIM built from it."""
    compat.prepare_hub()
    from diffusers import PNDMScheduler

    made = PNDMScheduler(
        **NOISE_SCHEDULE, skip_prk_steps=True, set_alpha_to_one=False, steps_offset=1, prediction_type=prediction
    )
    made.register_to_config(clip_sample=False)
    return made


def alphas() -> Tensor:
    """The cumulative products ᾱ_t of the noise schedule, float32, one a timestep."""
    compat.prepare_hub()
    from diffusers import DDIMScheduler

    products: Tensor = DDIMScheduler(**NOISE_SCHEDULE).alphas_cumprod
    return products


def edit_noise(noise: Tensor, source: Tensor, wanted: Tensor, alpha_bar_start: Tensor) -> Tensor:
    """The noise with which the noised `wanted` is, at the start of image-to-image, exactly the noised `source`.

    With it, √ᾱ_t·wanted + √(1-ᾱ_t)·edit_noise is, from the start down to t = 0, the deterministic trajectory of an
    ideal editor: it begins with what image-to-image begins with, and ends with the wanted picture.

    Args:
        noise: what image-to-image adds to its source, N×C×h×w, as are `source` and `wanted`.
        alpha_bar_start: ᾱ of the timestep that the strength starts from, one a sample.
    """
    start = alpha_bar_start.view(-1, 1, 1, 1)
    return noise + (start / (1 - start)).sqrt() * (source - wanted)


def velocity(noise: Tensor, noised: Tensor, alpha_bar: Tensor) -> Tensor:
    """v = √ᾱ·ε - √(1-ᾱ)·x₀ (Salimans and Ho 2022) of a noised picture √ᾱ·x₀ + √(1-ᾱ)·ε; all broadcast."""
    return (noise - (1 - alpha_bar).sqrt() * noised) / alpha_bar.sqrt()


def triangular(uniform: Tensor, low: float, mode: float, high: float) -> Tensor:
    """Uniform numbers in [0, 1) to ones in [low, high) of which those near `mode` are the most frequent."""
    rising = low + (uniform * (high - low) * (mode - low)).sqrt()
    falling = high - ((1 - uniform) * (high - low) * (high - mode)).sqrt()
    return torch.where(uniform < (mode - low) / (high - low), rising, falling)


@dataclass(frozen=True)
class Learnable:
    """Scenes as a U-Net learns them."""

    latents: Tensor
    """Scaled, N×C×h×w."""
    tokens: Tensor
    """Of all wordings, N×wordings×length."""
    training: int
    """How many are trained on: the first ones."""

    @classmethod
    def of(cls, drawings: Drawings, vae: Any, tokenizer: Any) -> Learnable:
        length = tokenizer.model_max_length
        flat = [wording for wordings in drawings.captions for wording in wordings]
        tokens = words.encode(tokenizer, flat, length).view(len(drawings.captions), -1, length)
        latents = encode_all(vae, drawings) * vae.config.scaling_factor
        return cls(latents, tokens.to(drawings.pixels.device), drawings.training)


class UnetStage(TrainingStage):
    """ε- or v-prediction with min-SNR weights (Hang et al. 2023), and dropped captions for guidance.

    Part of a batch can be edits: pairs of a scene and the same scene edited, on the trajectory of `edit_noise`.
    """

    name = "unet"

    def __init__(
        self,
        config: Unet,
        scenes: Learnable,
        tokenizer: Any,
        text: Any,
        unet: Any,
        edited: Learnable | None = None,
        teacher: Any | None = None,
    ) -> None:
        self.config, self.schedule = config, config.schedule
        self.text, self.unet, self.teacher = text, unet, teacher
        device = scenes.latents.device
        self.training, self.latents, self.tokens = scenes.training, scenes.latents, scenes.tokens
        self.edited = None if edited is None else (edited.latents, edited.tokens)
        self.empty = words.encode(tokenizer, [""], tokenizer.model_max_length).to(device)
        self.alpha_bar = alphas().to(device)
        self.text.requires_grad_(config.train_text)
        for name, parameter in unet.named_parameters():
            parameter.requires_grad_(not config.only or name.startswith(config.only))
        self.modules = {"unet": unet, **({"text_encoder": text} if config.train_text else {})}
        if teacher is not None:
            teacher.to(device).eval().requires_grad_(False)
        if not config.train_text:
            text.to(device).eval()

    def loss(self, random: Generator) -> tuple[Tensor, dict[str, Tensor]]:
        count, device = self.schedule.batch, self.latents.device
        indices = torch.randint(0, self.training, (count,), generator=random)
        wording = torch.randint(0, self.tokens.shape[1], (count,), generator=random)
        dropped = torch.rand(count, generator=random) < self.config.caption_dropout
        timesteps = torch.randint(0, len(self.alpha_bar), (count,), generator=random).to(device)
        latents = self.latents[indices.to(device)]
        noise = normal(latents.shape, random, device)
        tokens = self.tokens[indices, wording]
        if self.edited is not None:
            pairs = round(count * self.config.edits)
            noise[:pairs], latents[:pairs], tokens[:pairs], timesteps[:pairs] = self._edits(
                indices[:pairs], dropped[:pairs].to(device), noise[:pairs], random
            )
        tokens = torch.where(dropped[:, None].to(device), self.empty, tokens)
        return self._denoising_loss(latents, noise, timesteps, tokens)

    def _edits(
        self, indices: Tensor, dropped: Tensor, noise: Tensor, random: Generator
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Noise that carries a scene, latents and tokens of its edit (or the other way round), and timesteps.

        The tokens are those of the complete caption: others may leave out what changes. A dropped caption says
        nothing at all: then the scene is its own edit.
        """
        assert self.edited is not None
        device, shape = noise.device, (len(indices), 1, 1, 1)
        backwards = (torch.rand(len(indices), generator=random) < 0.5).to(device)
        strength = triangular(torch.rand(len(indices), generator=random), *self.config.edit_strength)
        start = (strength * len(self.alpha_bar)).long().clamp(max=len(self.alpha_bar) - 1)
        # Squared: steps near the start, where the picture turns into its edit, are the most frequent.
        timesteps = (start * (1 - torch.rand(len(indices), generator=random).square())).long().to(device)
        plain, edited = self.latents[indices.to(device)], self.edited[0][indices.to(device)]
        source = torch.where(backwards.view(shape), edited, plain)
        wanted = torch.where(backwards.view(shape), plain, edited)
        source = torch.where(dropped.view(shape), wanted, source)
        tokens = torch.where(backwards[:, None], self.tokens[indices, -1], self.edited[1][indices, -1])
        return edit_noise(noise, source, wanted, self.alpha_bar[start.to(device)]), wanted, tokens, timesteps

    def _denoising_loss(
        self, latents: Tensor, noise: Tensor, timesteps: Tensor, tokens: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        alpha_bar = self.alpha_bar[timesteps].view(-1, 1, 1, 1)
        noised = alpha_bar.sqrt() * latents + (1 - alpha_bar).sqrt() * noise
        hidden = self.text(tokens).last_hidden_state
        predicted = self.unet(noised, timesteps, hidden).sample.float()
        target = noise if self.config.prediction == EPSILON else velocity(noise, noised, alpha_bar)
        told = (tokens != self.empty).any(1)
        error = (self._guided(predicted, noised, timesteps, told) - target).square().mean((1, 2, 3))
        # Guidance multiplies the gradients of what was told; they should count no more for it.
        weighted = (torch.where(told, error / self.config.guidance, error) * self._weights(timesteps)).mean()
        if self.teacher is not None and self.config.distil:
            with torch.no_grad():
                taught = self.teacher(noised, timesteps, hidden).sample.float()
                if self.config.prediction != EPSILON:
                    taught = velocity(taught, noised, alpha_bar)
            apart = ((predicted - taught).square().mean((1, 2, 3)) * self._weights(timesteps)).mean()
            weighted = (1 - self.config.distil) * weighted + self.config.distil * apart
        return weighted, {"mse": error.detach().mean()}

    def _guided(self, predicted: Tensor, noised: Tensor, timesteps: Tensor, told: Tensor) -> Tensor:
        """The predictions as guidance changes them; those without a caption stay.

        So a U-Net can be trained for the scales that it is used at. The free prediction takes no gradient here: it
        learns from dropped captions, and must not lean on the prompt.
        """
        if self.config.guidance == 1 or not told.any():
            return predicted
        with torch.no_grad():
            hidden = self.text(self.empty).last_hidden_state.expand(int(told.sum()), -1, -1)
            free = self.unet(noised[told], timesteps[told], hidden).sample.float()
        guided = predicted.clone()
        guided[told] = free + self.config.guidance * (predicted[told] - free)
        return guided

    def _weights(self, timesteps: Tensor) -> Tensor:
        alpha_bar = self.alpha_bar[timesteps]
        snr = alpha_bar / (1 - alpha_bar)
        divisor = snr if self.config.prediction == EPSILON else snr + 1
        return (snr.clamp(max=self.config.min_snr) / divisor).clamp(min=LEAST_WEIGHT)

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Weighted denoising loss and plain error on held-out latents, with fixed noise."""
        random = Generator().manual_seed(0)
        latents, tokens = self.latents[self.training :][:256], self.tokens[self.training :, -1][:256]
        noise = torch.randn(latents.shape, generator=random).to(latents.device)
        timesteps = torch.linspace(0, len(self.alpha_bar) - 1, len(latents), device=latents.device).long()
        loss, figures = self._denoising_loss(latents, noise, timesteps, tokens)
        return {"loss": loss.item(), "mse": figures["mse"].item()}

    def export(self, folder: Path) -> None:
        self.unet.save_pretrained(folder / "unet")
        self.text.save_pretrained(folder / "text_encoder")
