"""What a diffusers pipeline's configurations say about its sizes: facts, checked, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdqa.errors import ModelError, UnsupportedModel
from sdqa.families import Family
from sdqa.models.teacher import Facts

Configurations = Mapping[str, Mapping[str, Any]]
"""Configuration of each part by its diffusers name: `text_encoder`, `unet`, `vae`, `scheduler` …"""

AUTOENCODER_SCALING = 0.18215
"""`AutoencoderKL`'s scaling factor where its configuration is silent."""


def read_facts(family: Family, configurations: Configurations, *, source: str) -> Facts:
    """The facts that conversion and generation need.

    Raises:
        ModelError: a key is missing, or the parts do not fit together.
        UnsupportedModel: its pictures are not square.
    """
    unet, vae = configurations["unet"], configurations["vae"]
    try:
        encoders = [configurations[component.part] for component in family.text_encoders]
        facts = Facts(
            latent_channels=int(unet["in_channels"]),
            vae_factor=2 ** (len(vae["block_out_channels"]) - 1),
            sample_size=_side(unet["sample_size"], source),
            sequence_length=int(encoders[0].get("max_position_embeddings", 77)),
            text_width=_one(unet["cross_attention_dim"]),
            hidden_sizes=tuple(int(encoder["hidden_size"]) for encoder in encoders),
            pooled_sizes=tuple(_pooled_size(encoder) for encoder in encoders),
            vocabulary=int(encoders[0]["vocab_size"]),
            scaling_factor=float(vae.get(family.between.scaling_key, AUTOENCODER_SCALING)),
            prediction_type=str(configurations["scheduler"].get(family.between.prediction_key, "epsilon")),
            image_channels=int(vae.get("in_channels", 3)),
            time_ids=_time_ids(unet, encoders) if family.denoiser.takes("time_ids") else 0,
        )
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise ModelError(f"a configuration lacks or garbles {error}", where=source) from error
    _check_fit(facts, configurations, source)
    return facts


def _side(sample_size: Any, source: str) -> int:
    if isinstance(sample_size, int):
        return sample_size
    height, width = sample_size
    if height != width:
        what = f"the U-Net draws latents of {width}×{height} (sample_size); only square pictures can be drawn"
        raise UnsupportedModel(what, where=source)
    return int(height)


def _one(width: Any) -> int:
    """The text's width, which diffusers also takes block by block."""
    several = set(width) if isinstance(width, list | tuple) else {width}
    if len(several) != 1:
        raise ValueError(f"cross_attention_dim {width}: only one width of the text is supported")
    return int(several.pop())


def _pooled_size(encoder: Mapping[str, Any]) -> int:
    projected = "WithProjection" in "".join(encoder.get("architectures") or ())
    return int(encoder["projection_dim"] if projected else encoder["hidden_size"])


def _time_ids(unet: Mapping[str, Any], encoders: list[Mapping[str, Any]]) -> int:
    """Size-conditioning numbers: the added embedding's width is the pooled text plus so many sinusoids."""
    total, each = int(unet["projection_class_embeddings_input_dim"]), int(unet["addition_time_embed_dim"])
    return (total - _pooled_size(encoders[-1])) // each


def _check_fit(facts: Facts, configurations: Configurations, source: str) -> None:
    outcome = configurations["unet"].get("out_channels", 4)
    if outcome != facts.latent_channels:
        raise ModelError(
            f"unet's out_channels is {outcome!r}, its in_channels {facts.latent_channels}",
            where=source,
            hint="supported: U-Nets that predict what they are given, not its variance too",
        )
    if facts.text_width != sum(facts.hidden_sizes):
        raise ModelError(
            f"the U-Net takes text embeddings of width {facts.text_width}, the text encoders make {facts.hidden_sizes}",
            where=source,
            hint="the folder mixes parts of different models",
        )
    latents = int(configurations["vae"].get("latent_channels", 4))
    if facts.latent_channels != latents:
        raise ModelError(
            f"the U-Net takes {facts.latent_channels} channels, the VAE makes {latents}",
            where=source,
            hint="supported: text-to-image and image-to-image checkpoints",
        )
