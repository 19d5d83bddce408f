"""The denoiser and the text encoder that conditions it, trained together on scaled latents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor

from sdqa import compat
from sdqa.models.tiny.train import tokenizer as words
from sdqa.models.tiny.train.config import Text, Unet
from sdqa.models.tiny.train.data import Drawings
from sdqa.models.tiny.train.loop import Stage, normal
from sdqa.models.tiny.train.vae import encode_all

NOISE_SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
}
"""That of Stable Diffusion."""
LEAST_WEIGHT = 0.05


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


class UnetStage(Stage):
    """ε- or v-prediction with min-SNR weights (Hang et al. 2023), and dropped captions for guidance."""

    name = "unet"

    def __init__(
        self,
        config: Unet,
        drawings: Drawings,
        vae: Any,
        tokenizer: Any,
        text: Any,
        unet: Any,
        teacher: Any | None = None,
    ) -> None:
        self.config, self.schedule = config, config.schedule
        self.text, self.unet, self.teacher = text, unet, teacher
        device = drawings.pixels.device
        self.training = drawings.training
        self.latents = encode_all(vae, drawings) * vae.config.scaling_factor
        length = tokenizer.model_max_length
        flat = [wording for wordings in drawings.captions for wording in wordings]
        self.tokens = words.encode(tokenizer, flat, length).view(len(drawings.captions), -1, length).to(device)
        self.empty = words.encode(tokenizer, [""], length).to(device)
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
        tokens = torch.where(dropped[:, None].to(device), self.empty, self.tokens[indices, wording])
        return self._denoising_loss(latents, noise, timesteps, tokens)

    def _denoising_loss(
        self, latents: Tensor, noise: Tensor, timesteps: Tensor, tokens: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        alpha_bar = self.alpha_bar[timesteps].view(-1, 1, 1, 1)
        noised = alpha_bar.sqrt() * latents + (1 - alpha_bar).sqrt() * noise
        hidden = self.text(tokens).last_hidden_state
        predicted = self.unet(noised, timesteps, hidden).sample.float()
        target = noise
        if self.config.prediction == "v_prediction":
            target = alpha_bar.sqrt() * noise - (1 - alpha_bar).sqrt() * latents
        error = (predicted - target).square().mean((1, 2, 3))
        weighted = (error * self._weights(timesteps)).mean()
        if self.teacher is not None and self.config.distil:
            with torch.no_grad():
                taught = self.teacher(noised, timesteps, hidden).sample.float()
            apart = ((predicted - taught).square().mean((1, 2, 3)) * self._weights(timesteps)).mean()
            weighted = (1 - self.config.distil) * weighted + self.config.distil * apart
        return weighted, {"mse": error.detach().mean()}

    def _weights(self, timesteps: Tensor) -> Tensor:
        alpha_bar = self.alpha_bar[timesteps]
        snr = alpha_bar / (1 - alpha_bar)
        divisor = snr + 1 if self.config.prediction == "v_prediction" else snr
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


class NoMidStage(UnetStage):
    """The variant without a mid-block, taught by the main U-Net."""

    name = "no-mid"

    def export(self, folder: Path) -> None:
        self.unet.save_pretrained(folder / "unet")


def inherit(unet: Any, teacher: Any) -> None:
    """Start a U-Net from another one's weights wherever names and shapes agree."""
    own, given = unet.state_dict(), teacher.state_dict()
    fitting = {name: tensor for name, tensor in given.items() if name in own and own[name].shape == tensor.shape}
    unet.load_state_dict(fitting, strict=False)
