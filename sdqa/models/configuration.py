"""What a diffusers pipeline's configurations say about its sizes: facts, checked, without torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sdqa.errors import ModelError, UnsupportedModel
from sdqa.families import Family
from sdqa.models.keys import Keys
from sdqa.models.teacher import Facts

Configurations = Mapping[str, Mapping[str, Any]]
"""Configuration of each part by its diffusers name: `text_encoder`, `unet`, `vae`, `scheduler` …"""

AUTOENCODER_SCALING = 0.18215
"""`AutoencoderKL`'s scaling factor where its configuration is silent."""
SCALINGS = (1e-3, 1e3)
"""It brings latents to about one; the published ones are 0.13 and 0.18."""
MAX_CHANNELS, MAX_SIDE, MAX_TOKENS, MAX_WIDTH, MAX_VOCABULARY, MAX_STEPS = 2**16, 2048, 2**16, 2**20, 2**24, 10**6
"""What no model comes near: more is a garbled file, and would be asked of the memory."""
CONDITIONS: Mapping[int, str] = {
    1: "a depth map beside the latents: a depth-to-image checkpoint, as stable-diffusion-2-depth",
    3: "a small picture beside the latents: an upscaler, as stable-diffusion-x4-upscaler",
    4: "another picture's latents beside its own: an editing checkpoint, as instruct-pix2pix",
    5: "a mask and a masked picture's latents beside its own: an inpainting checkpoint, as stable-diffusion-inpainting",
}
"""What the channels are that a U-Net takes besides the latents; of the published checkpoints' `unet/config.json`."""
PICTURE_STEP = 8
"""What diffusers' pipelines want the sides of pictures to be divisible by."""
SCHEDULER_FLAGS = ("clip_sample", "set_alpha_to_one", "thresholding", "rescale_betas_zero_snr", "use_karras_sigmas")


SCHEDULER_NUMBERS = ("dynamic_thresholding_ratio", "clip_sample_range", "sample_max_value", "flow_shift")
SCHEDULER_SIGMAS = ("sigma_min", "sigma_max")
SCHEDULER_CHOICES = (
    "skip_prk_steps",
    "lower_order_final",
    "euler_at_final",
    "use_exponential_sigmas",
    "use_beta_sigmas",
    "use_lu_lambdas",
    "use_dynamic_shifting",
)
"""True, false or, as older releases saved some of them, null."""
SCHEDULER_SPACINGS = ("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas")
"""Ways to space noise levels, of which one can be true."""
MAX_ORDER = 3
SCHEDULER_WORDS: Mapping[str, tuple[str, ...]] = {
    "interpolation_type": ("linear", "log_linear"),
    "timestep_type": ("discrete", "continuous"),
    "time_shift_type": ("exponential", "linear"),
    "solver_type": ("midpoint", "heun", "logrho", "bh1", "bh2"),
    "algorithm_type": (
        "dpmsolver++",
        "dpmsolver",
        "sde-dpmsolver++",
        "sde-dpmsolver",
        "deis",
        "data_prediction",
        "noise_prediction",
    ),
    "variance_type": ("fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log"),
}
"""What any of diffusers' schedulers takes; a variance that is learned would be a second output of the U-Net."""


def read_facts(family: Family, configurations: Configurations, *, source: str) -> Facts:
    """The facts that conversion and generation need.

    Raises:
        ModelError: a key is missing or has a value that is not allowed, or the parts do not fit together.
        UnsupportedModel: its pictures are not square, or its U-Net takes more than latents.
    """
    keys = {part.name: _keys(family, part.name, configurations, source) for part in family.parts if part.configuration}
    unet, vae = keys["unet"], keys["vae"]
    encoders = [keys[component.part] for component in family.text_encoders]
    _demand_latents(unet, vae, source)
    _check_scheduler(keys["scheduler"])
    prediction = str(configurations["scheduler"].get(family.between.prediction_key, "epsilon"))
    facts = Facts(
        latent_channels=unet.whole("in_channels", most=MAX_CHANNELS),
        vae_factor=2 ** (len(vae.wholes("block_out_channels", most=MAX_WIDTH)) - 1),
        sample_size=_side(unet, source),
        sequence_length=encoders[0].whole("max_position_embeddings", 77, most=MAX_TOKENS),
        text_width=_one(unet, source),
        hidden_sizes=tuple(encoder.whole("hidden_size", most=MAX_WIDTH) for encoder in encoders),
        pooled_sizes=tuple(_pooled_size(encoder) for encoder in encoders),
        vocabulary=encoders[0].whole("vocab_size", most=MAX_VOCABULARY),
        scaling_factor=_scaling(vae, family.between.scaling_key),
        prediction_type=prediction,
        image_channels=vae.whole("in_channels", 3, most=MAX_CHANNELS),
        time_ids=_time_ids(unet, encoders) if family.denoiser.takes("time_ids") else 0,
    )
    _check_fit(facts, unet, source)
    return facts


def _keys(family: Family, part: str, configurations: Configurations, source: str) -> Keys:
    return Keys(f"{part}/{family.part(part).configuration}", configurations[part], source)


def _demand_latents(unet: Keys, vae: Keys, source: str) -> None:
    """A U-Net takes what the VAE makes, and nothing beside it."""
    taken, made = unet.whole("in_channels", most=MAX_CHANNELS), vae.whole("latent_channels", 4, most=MAX_CHANNELS)
    if taken in (made + extra for extra in CONDITIONS):
        raise UnsupportedModel(
            f"unet's in_channels is {taken}, the VAE makes {made}: the U-Net takes {CONDITIONS[taken - made]}",
            where=source,
            hint="supported: text-to-image and image-to-image checkpoints",
        )
    if taken != made:
        raise ModelError(
            f"unet's in_channels is {taken}, the VAE makes {made}",
            where=source,
            hint="supported: text-to-image and image-to-image checkpoints",
        )


def _check_scheduler(scheduler: Keys) -> None:
    """The keys that timesteps and noise are worked out of."""
    scheduler.whole("num_train_timesteps", 1000, most=MAX_STEPS)
    scheduler.whole("steps_offset", 0, least=0, most=MAX_STEPS)
    betas = scheduler.numbers_or_none("trained_betas") or ()
    if not all(0 < beta <= 1 for beta in betas):
        raise scheduler.wrong("trained_betas", scheduler.content["trained_betas"], "numbers above 0 and up to 1")
    for key in ("beta_start", "beta_end"):
        if scheduler.number(key, 0.01, above=0) >= 1:
            raise scheduler.wrong(key, scheduler.content[key], "a finite number above 0 and below 1")
    for key in SCHEDULER_FLAGS:
        scheduler.flag(key, False)
    for key in SCHEDULER_NUMBERS:
        scheduler.number(key, 1.0, above=0)
    said = {key for key, value in scheduler.content.items() if value is not None}
    for key in said.intersection(SCHEDULER_SIGMAS):
        scheduler.number(key, above=0)
    for key in said.intersection(SCHEDULER_CHOICES):
        scheduler.flag(key, False)
    for key in said.intersection(SCHEDULER_WORDS):
        scheduler.word(key, SCHEDULER_WORDS[key])
    spaced = [key for key in SCHEDULER_SPACINGS if scheduler.content.get(key)]
    if len(spaced) > 1:
        raise scheduler.wrong(spaced[1], True, f"false, since {spaced[0]} is true")
    if scheduler.content.get("lambda_min_clipped") not in (None, -math.inf):
        scheduler.number("lambda_min_clipped")
    if "solver_order" in said:
        scheduler.whole("solver_order", most=MAX_ORDER)


def _side(unet: Keys, source: str) -> int:
    size = unet.whole_or_wholes("sample_size", most=MAX_SIDE, count=2)
    if isinstance(size, int):
        return size
    height, width = size
    if height != width:
        what = f"the U-Net draws latents of {width}×{height} (sample_size); only square pictures can be drawn"
        raise UnsupportedModel(what, where=source)
    return height


def _one(unet: Keys, source: str) -> int:
    """The text's width, which diffusers also takes block by block."""
    width = unet.whole_or_wholes("cross_attention_dim", most=MAX_WIDTH)
    several = {width} if isinstance(width, int) else set(width)
    if len(several) != 1:
        what = f"{unet.file}: cross_attention_dim is {sorted(several)}; allowed: one width of the text for all blocks"
        raise UnsupportedModel(what, where=source)
    return several.pop()


def _scaling(vae: Keys, key: str) -> float:
    factor = vae.number(key, AUTOENCODER_SCALING, above=0)
    if not SCALINGS[0] <= factor <= SCALINGS[1]:
        raise vae.wrong(key, factor, f"a finite number from {SCALINGS[0]:g} to {SCALINGS[1]:g}")
    return factor


def _pooled_size(encoder: Keys) -> int:
    projected = "WithProjection" in "".join(encoder.words("architectures"))
    return encoder.whole("projection_dim" if projected else "hidden_size", most=MAX_WIDTH)


def _time_ids(unet: Keys, encoders: list[Keys]) -> int:
    """Size-conditioning numbers: the added embedding's width is the pooled text plus so many sinusoids."""
    total = unet.whole("projection_class_embeddings_input_dim", most=MAX_WIDTH)
    return (total - _pooled_size(encoders[-1])) // unet.whole("addition_time_embed_dim", most=MAX_WIDTH)


def _check_fit(facts: Facts, unet: Keys, source: str) -> None:
    side = facts.sample_size * facts.vae_factor
    if side % PICTURE_STEP:
        raise UnsupportedModel(
            f"the pictures would be {side}×{side}: unet's sample_size is {facts.sample_size}, and the VAE enlarges by "
            f"{facts.vae_factor} (its block_out_channels); sides of pictures have to be divisible by {PICTURE_STEP}",
            where=source,
            hint="give the files that were saved with the weights",
        )
    outcome = unet.whole("out_channels", 4, most=MAX_CHANNELS)
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
