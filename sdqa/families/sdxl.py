"""Stable Diffusion XL: two text encoders, and a U-Net that is also told sizes and the second encoder's pooled text.

Its components can be converted and sized. Names, layouts and dtypes of inputs and outputs are those of
apple/ml-stable-diffusion; the VAE is float32 throughout, because it overflows in float16.
"""

from __future__ import annotations

from dataclasses import replace

from sdqa.families.records import Between, Component, Family, Port, Setting
from sdqa.families.registry import family
from sdqa.families.sd import IMAGE, LATENTS, SCHEDULER, TEXT_ENCODER, TOKENIZER, UNET, UNET_SETTINGS, VAE

TEXT_ENCODER_2 = replace(TEXT_ENCODER, name="text_encoder_2", classes=("CLIPTextModelWithProjection",))
TOKENIZER_2 = replace(TOKENIZER, name="tokenizer_2")
PENULTIMATE = -2
"""Both encoders give the last hidden state but one, without the final norm."""


@family
def stable_diffusion_xl() -> Family:
    """`stable-diffusion-xl-base-1.0` and what is distilled or fine-tuned from it."""
    return Family(
        name="sdxl",
        title="Stable Diffusion XL",
        text_to_image="StableDiffusionXLPipeline",
        image_to_image="StableDiffusionXLImg2ImgPipeline",
        parts=(
            TEXT_ENCODER,
            TEXT_ENCODER_2,
            VAE,
            replace(UNET, settings=(*UNET_SETTINGS, Setting("addition_embed_type", ("text_time",)))),
            TOKENIZER,
            TOKENIZER_2,
            SCHEDULER,
        ),
        ignored=("feature_extractor",),
        flags=("force_zeros_for_empty_prompt", "add_watermarker"),
        components=(
            Component(
                name="text_encoder",
                part="text_encoder",
                wrapper="TextEncoder",
                file_name="TextEncoder",
                inputs=(Port("input_ids", (1, "sequence_length"), "float32"),),
                outputs=(
                    Port("hidden_embeds", (1, "sequence_length", "hidden_size"), "float32"),
                    Port("pooled_outputs", (1, "pooled_size"), "float32"),
                ),
                compared="hidden_embeds",
                runs="each prompt",
                root="text_encoder",
                tokenizer="tokenizer",
                hidden_layer=PENULTIMATE,
            ),
            Component(
                name="text_encoder_2",
                part="text_encoder_2",
                wrapper="TextEncoder",
                file_name="TextEncoder2",
                inputs=(Port("input_ids", (1, "sequence_length"), "float32"),),
                outputs=(
                    Port("hidden_embeds", (1, "sequence_length", "hidden_size_2"), "float32"),
                    Port("pooled_outputs", (1, "pooled_size_2"), "float32"),
                ),
                compared="hidden_embeds",
                runs="each prompt",
                root="text_encoder",
                tokenizer="tokenizer_2",
                hidden_layer=PENULTIMATE,
            ),
            Component(
                name="vae_encoder",
                part="vae",
                wrapper="VaeEncoder",
                file_name="VAEEncoder",
                inputs=(Port("x", IMAGE, "float32"),),
                outputs=(Port("latent", (1, "moments", "latent_size", "latent_size"), "float32"),),
                compared="latent",
                runs="once",
                submodules=("encoder", "quant_conv"),
                image_to_image_only=True,
            ),
            Component(
                name="unet",
                part="unet",
                wrapper="UNet",
                file_name="Unet",
                inputs=(
                    Port("sample", LATENTS, "float16"),
                    Port("timestep", ("guidance_pair",), "float16"),
                    Port("encoder_hidden_states", ("guidance_pair", "text_width", 1, "sequence_length"), "float16"),
                    Port("time_ids", ("guidance_pair", "time_ids"), "float16"),
                    Port("text_embeds", ("guidance_pair", "pooled_size_2"), "float16"),
                ),
                outputs=(Port("noise_pred", LATENTS, "float32"),),
                compared="noise_pred",
                runs="each step",
                root="unet",
            ),
            Component(
                name="vae_decoder",
                part="vae",
                wrapper="VaeDecoder",
                file_name="VAEDecoder",
                inputs=(Port("z", (1, *LATENTS[1:]), "float32"),),
                outputs=(Port("image", IMAGE, "float32"),),
                compared="image",
                runs="once",
                submodules=("post_quant_conv", "decoder"),
            ),
        ),
        between=Between(
            published_scaling=0.13025,
            prediction_types=("epsilon", "v_prediction"),
            schedulers=(),
        ),
        drawable=False,
        reason="no graph hands the U-Net its second text encoder's pooled text and the picture's sizes yet",
    )
