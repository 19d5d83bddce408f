"""Stable Diffusion 1 and 2: one CLIP text encoder, a U-Net with cross-attention, a VAE of four channels.

Names, layouts and dtypes of inputs and outputs are those of apple/ml-stable-diffusion (`torch2coreml.py` and the Swift
package), so that packages drop into its application: inputs are float16 and outputs float32; token ids are float32,
cast to integers by the first operation (never through float16, where 49406 and 49407 both become 49408).
"""

from __future__ import annotations

from sdqa.families.class_keys import AUTOENCODER_KL, CLIP_TEXT, UNET_2D_CONDITION
from sdqa.families.records import Between, Component, Family, Part, Port, Setting
from sdqa.families.registry import family

TEXT_ENCODER = Part(
    "text_encoder",
    "transformers",
    ("CLIPTextModel",),
    configuration="config.json",
    weights="model.safetensors",
    settings=(
        Setting("use_attention_mask", (None, False)),  # the pipeline would hand the encoder a mask
        Setting("return_dict", (True,), True),  # what reads its outputs does so by name
        Setting("quantization_config"),
    ),
    keys=CLIP_TEXT,
    written=("torch_dtype", "dropout", "gradient_checkpointing"),
    model_type="clip_text_model",
)
VAE = Part(
    "vae",
    "diffusers",
    ("AutoencoderKL",),
    configuration="config.json",
    weights="diffusion_pytorch_model.safetensors",
    settings=(
        Setting("shift_factor"),
        Setting("latents_mean"),
        Setting("latents_std"),
        Setting("in_channels", (3,), 3),
        Setting("out_channels", (3,), 3),
        Setting("quantization_config"),
    ),
    keys=AUTOENCODER_KL,
)
UNET_SETTINGS = (
    Setting("time_cond_proj_dim"),  # guidance as an input: latent consistency models
    Setting("class_embed_type"),
    Setting("num_class_embeds"),
    Setting("encoder_hid_dim"),
    Setting("encoder_hid_dim_type"),
    Setting("dual_cross_attention", (False,), False),  # two texts
    Setting("attention_type", ("default",), "default"),  # gated: boxes as inputs
    Setting("time_embedding_type", ("positional",), "positional"),
    Setting("class_embeddings_concat", (False,), False),
    Setting("num_attention_heads"),  # diffusers takes it from attention_head_dim, and refuses this
    Setting("quantization_config"),
)
"""What would give the U-Net an input that no contract declares, or give one another meaning."""

UNET = Part(
    "unet",
    "diffusers",
    ("UNet2DConditionModel",),
    configuration="config.json",
    weights="diffusion_pytorch_model.safetensors",
    settings=(*UNET_SETTINGS, Setting("addition_embed_type")),
    keys=UNET_2D_CONDITION,
)
TOKENIZER = Part("tokenizer", "transformers", ("CLIPTokenizer", "CLIPTokenizerFast"))
SCHEDULER = Part(
    "scheduler",
    "diffusers",
    (
        "PNDMScheduler",
        "DDIMScheduler",
        "DDPMScheduler",
        "DPMSolverMultistepScheduler",
        "DPMSolverSinglestepScheduler",
        "DPMSolverSDEScheduler",
        "EulerDiscreteScheduler",
        "EulerAncestralDiscreteScheduler",
        "HeunDiscreteScheduler",
        "KDPM2DiscreteScheduler",
        "KDPM2AncestralDiscreteScheduler",
        "LMSDiscreteScheduler",
        "DEISMultistepScheduler",
        "UniPCMultistepScheduler",
        "SASolverScheduler",
        "LCMScheduler",
        "TCDScheduler",
    ),
    configuration="scheduler_config.json",
    settings=(
        Setting("beta_schedule", ("linear", "scaled_linear", "squaredcos_cap_v2"), "linear"),
        Setting("timestep_spacing", ("leading", "linspace", "trailing"), "leading"),
        Setting("use_flow_sigmas", (None, False)),
        Setting("final_sigmas_type", ("zero", "sigma_min"), "zero"),
    ),
    needs={"DPMSolverSDEScheduler": "torchsde", "LMSDiscreteScheduler": "scipy"},
)
"""Those of noise that grows by betas; flow matching is another kind of training, and of U-Net."""

LATENTS = ("guidance_pair", "latent_channels", "latent_size", "latent_size")
IMAGE = (1, "image_channels", "image_size", "image_size")


@family
def stable_diffusion() -> Family:
    """`stable-diffusion-v1-5`, `stable-diffusion-2-1-base` and what is distilled or fine-tuned from them."""
    return Family(
        name="sd",
        title="Stable Diffusion 1 and 2",
        text_to_image="StableDiffusionPipeline",
        image_to_image="StableDiffusionImg2ImgPipeline",
        parts=(TEXT_ENCODER, VAE, UNET, TOKENIZER, SCHEDULER),
        ignored=("safety_checker", "feature_extractor"),
        flags=("requires_safety_checker",),
        components=(
            Component(
                name="text_encoder",
                part="text_encoder",
                wrapper="TextEncoder",
                file_name="TextEncoder",
                inputs=(Port("input_ids", (1, "sequence_length"), "float32"),),
                outputs=(
                    Port("last_hidden_state", (1, "sequence_length", "hidden_size"), "float32"),
                    Port("pooled_outputs", (1, "pooled_size"), "float32", optional=True),
                ),
                compared="last_hidden_state",
                runs="each prompt",
                root="text_encoder",
                tokenizer="tokenizer",
            ),
            Component(
                name="vae_encoder",
                part="vae",
                wrapper="VaeEncoder",
                file_name="VAEEncoder",
                inputs=(Port("x", IMAGE, "float16"),),
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
                inputs=(Port("z", (1, *LATENTS[1:]), "float16"),),
                outputs=(Port("image", IMAGE, "float32"),),
                compared="image",
                runs="once",
                submodules=("post_quant_conv", "decoder"),
            ),
        ),
        between=Between(
            published_scaling=0.18215,
            prediction_types=("epsilon", "v_prediction"),
            schedulers=("pndm", "ddim", "dpmsolver++", "euler"),
        ),
        drawable=True,
    )
