"""Published architectures as diffusers and transformers configurations, and miniatures of them for tests.

Sources: the `config.json` files of stable-diffusion-v1-5, stabilityai/stable-diffusion-2-1-base, segmind/tiny-sd,
segmind/small-sd and stabilityai/stable-diffusion-xl-base-1.0. Only what differs from the classes' defaults is here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sdqa.families import FAMILIES

Configuration = dict[str, Any]

CLIP_VOCABULARY = 49408


@dataclass(frozen=True)
class Architecture:
    """One pipeline's configurations."""

    unet: Configuration
    vae: Configuration
    encoders: tuple[Configuration, ...]
    merges: int = CLIP_VOCABULARY - 512 - 2
    """Merges of CLIP's byte-pair vocabulary that the tokenizer keeps."""
    prediction_type: str = "epsilon"
    family: str = "sd"

    def configurations(self) -> dict[str, Configuration]:
        """By diffusers part name, as `sdqa.models.configuration` reads them."""
        parts = (component.part for component in FAMILIES[self.family].text_encoders)
        named = dict(zip(parts, self.encoders, strict=True))
        return {**named, "unet": self.unet, "vae": self.vae, "scheduler": scheduler(self.prediction_type)}


def scheduler(prediction_type: str) -> Configuration:
    """Stable Diffusion's noise schedule."""
    return {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "num_train_timesteps": 1000,
        "steps_offset": 1,
        "clip_sample": False,
        "set_alpha_to_one": False,
        "prediction_type": prediction_type,
    }


def _unet(down: str, up: str, channels: tuple[int, ...], **options: Any) -> Configuration:
    """Blocks as letters, C with and D/U without cross-attention, in flow order."""
    return {
        "in_channels": 4,
        "out_channels": 4,
        "down_block_types": tuple("CrossAttnDownBlock2D" if kind == "C" else "DownBlock2D" for kind in down),
        "up_block_types": tuple("CrossAttnUpBlock2D" if kind == "C" else "UpBlock2D" for kind in up),
        "block_out_channels": channels,
        **options,
    }


def _vae(channels: tuple[int, ...], **options: Any) -> Configuration:
    return {
        "in_channels": 3,
        "out_channels": 3,
        "latent_channels": 4,
        "down_block_types": ("DownEncoderBlock2D",) * len(channels),
        "up_block_types": ("UpDecoderBlock2D",) * len(channels),
        "block_out_channels": channels,
        **options,
    }


def _clip(
    width: int, layers: int, heads: int, *, activation: str, vocabulary: int = CLIP_VOCABULARY, projected: bool = False
) -> Configuration:
    # The published files name token 2 as the end of text, which it is not: pooling then takes the highest token id.
    published = vocabulary == CLIP_VOCABULARY
    return {
        "architectures": ["CLIPTextModelWithProjection" if projected else "CLIPTextModel"],
        "hidden_size": width,
        "intermediate_size": width * 4,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "projection_dim": width,
        "hidden_act": activation,
        "max_position_embeddings": 77,
        "vocab_size": vocabulary,
        "bos_token_id": 0 if published else vocabulary - 2,
        "eos_token_id": 2 if published else vocabulary - 1,
        "pad_token_id": 1 if published else vocabulary - 1,
    }


CLIP_L = _clip(768, 12, 12, activation="quick_gelu")
OPEN_CLIP_H = _clip(1024, 23, 16, activation="gelu")
OPEN_CLIP_G = _clip(1280, 32, 20, activation="gelu", projected=True)

SD_VAE = _vae((128, 256, 512, 512), layers_per_block=2, sample_size=512, scaling_factor=0.18215)
SDXL_VAE = _vae((128, 256, 512, 512), layers_per_block=2, sample_size=1024, scaling_factor=0.13025)

SD_OPTIONS: Configuration = {"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8}
SD_CHANNELS = (320, 640, 1280, 1280)

MINI_MERGES = 200
MINI_VOCABULARY = 512 + MINI_MERGES + 2
MINI_CLIP = _clip(32, 2, 4, activation="quick_gelu", vocabulary=MINI_VOCABULARY)
MINI_CLIP_2 = _clip(48, 2, 4, activation="gelu", vocabulary=MINI_VOCABULARY, projected=True)
MINI_VAE = _vae((16, 32), layers_per_block=1, norm_num_groups=4, sample_size=32, scaling_factor=0.5)
MINI_OPTIONS: Configuration = {
    "sample_size": 16,
    "cross_attention_dim": 32,
    "attention_head_dim": 4,
    "layers_per_block": 1,
    "norm_num_groups": 8,
}

ARCHITECTURES: dict[str, Architecture] = {
    "sd-v1-5": Architecture(_unet("CCCD", "UCCC", SD_CHANNELS, layers_per_block=2, **SD_OPTIONS), SD_VAE, (CLIP_L,)),
    "sd-2-1": Architecture(
        _unet(
            "CCCD",
            "UCCC",
            SD_CHANNELS,
            layers_per_block=2,
            sample_size=64,
            cross_attention_dim=1024,
            attention_head_dim=(5, 10, 20, 20),
            use_linear_projection=True,
        ),
        SD_VAE,
        (OPEN_CLIP_H,),
    ),
    # Distilled: one layer a block, the last resolution and the mid-block gone.
    "tiny-sd": Architecture(
        _unet("CCC", "CCC", SD_CHANNELS[:3], layers_per_block=1, mid_block_type=None, **SD_OPTIONS), SD_VAE, (CLIP_L,)
    ),
    "small-sd": Architecture(_unet("CCCD", "UCCC", SD_CHANNELS, layers_per_block=1, **SD_OPTIONS), SD_VAE, (CLIP_L,)),
    "sdxl": Architecture(
        _unet(
            "DCC",
            "CCU",
            SD_CHANNELS[:3],
            layers_per_block=2,
            sample_size=128,
            cross_attention_dim=2048,
            attention_head_dim=(5, 10, 20),
            transformer_layers_per_block=(1, 2, 10),
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=2816,
        ),
        SDXL_VAE,
        (CLIP_L, OPEN_CLIP_G),
        family="sdxl",
    ),
    "miniature": Architecture(_unet("CD", "UC", (32, 64), **MINI_OPTIONS), MINI_VAE, (MINI_CLIP,), MINI_MERGES),
    "miniature-tiny-sd": Architecture(
        _unet("CC", "CC", (32, 64), mid_block_type=None, **MINI_OPTIONS), MINI_VAE, (MINI_CLIP,), MINI_MERGES
    ),
    "miniature-sdxl": Architecture(
        _unet(
            "DC",
            "CU",
            (32, 64),
            **MINI_OPTIONS
            | {
                "cross_attention_dim": 80,
                "use_linear_projection": True,
                "addition_embed_type": "text_time",
                "addition_time_embed_dim": 8,
                "projection_class_embeddings_input_dim": 96,
            },
        ),
        MINI_VAE,
        (MINI_CLIP, MINI_CLIP_2),
        MINI_MERGES,
        family="sdxl",
    ),
}
