from __future__ import annotations

from typing import Any

import pytest

from sdqa.errors import UnsupportedModel
from sdqa.families import FAMILIES, ModelIndex, demand_drawable, ignored_parts, refusals

SD = FAMILIES["sd"]
PARTS: dict[str, Any] = {
    "_class_name": "StableDiffusionPipeline",
    "text_encoder": ["transformers", "CLIPTextModel"],
    "vae": ["diffusers", "AutoencoderKL"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "scheduler": ["diffusers", "PNDMScheduler"],
}


def index(**changes: Any) -> ModelIndex:
    return ModelIndex.parse({**PARTS, **changes}, where="here")


def test_a_plain_pipeline_is_supported() -> None:
    silent: dict[str, dict[str, object]] = {part.name: {} for part in SD.parts if part.configuration}
    assert refusals(SD, index(), silent) == ()
    assert refusals(SD, index(), {"scheduler": {"prediction_type": "v_prediction"}}) == ()


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("unet", "time_cond_proj_dim", 256),
        ("unet", "class_embed_type", "timestep"),
        ("unet", "num_class_embeds", 1000),
        ("unet", "addition_embed_type", "text_time"),
        ("unet", "encoder_hid_dim", 1024),
        ("unet", "encoder_hid_dim_type", "ip_image_proj"),
        ("unet", "dual_cross_attention", True),
        ("unet", "attention_type", "gated"),
        ("unet", "time_embedding_type", "fourier"),
        ("vae", "shift_factor", 0.1),
        ("vae", "latents_mean", [0.0, 0.0, 0.0, 0.0]),
        ("text_encoder", "use_attention_mask", True),
        ("scheduler", "prediction_type", "flow_prediction"),
    ],
)
def test_settings_that_change_the_graph_are_refused_by_key(part: str, key: str, value: object) -> None:
    (found,) = refusals(SD, index(), {part: {key: value}})
    assert found.startswith(f"{part}'s {key} is {value!r}")


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("controlnet", ["diffusers", "ControlNetModel"]),
        ("image_encoder", ["transformers", "CLIPVisionModelWithProjection"]),
        ("text_encoder_2", ["transformers", "CLIPTextModelWithProjection"]),
    ],
)
def test_further_parts_are_refused_by_name(name: str, entry: list[str]) -> None:
    (found,) = refusals(SD, index(**{name: entry}), {})
    assert f"part {name} ({'.'.join(entry)})" in found


def test_each_text_encoder_of_sdxl_has_its_class() -> None:
    family = FAMILIES["sdxl"]
    parts = {
        **{name: value for name, value in PARTS.items() if name != "_class_name"},
        "_class_name": "StableDiffusionXLPipeline",
        "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
        "tokenizer_2": ["transformers", "CLIPTokenizer"],
    }
    made = ModelIndex.parse(parts, where="here")
    silent = {"unet": {"addition_embed_type": "text_time"}}
    sound = {"architectures": ["CLIPTextModelWithProjection"], "model_type": "clip_text_model"}
    assert refusals(family, made, {**silent, "text_encoder_2": sound}) == ()
    for wrong in ({"architectures": ["CLIPTextModel"]}, {"model_type": "t5", "architectures": ["T5EncoderModel"]}):
        found = refusals(family, made, {**silent, "text_encoder_2": wrong})
        assert len(found) == len(wrong)
        assert all(one.startswith("text_encoder_2/config.json ") for one in found)


def test_missing_parts_and_other_classes_are_refused_together() -> None:
    other = index(vae=["diffusers", "AutoencoderTiny"], tokenizer=[None, None])
    first, second = refusals(SD, other, {})
    assert (first, second) == (
        "its vae is diffusers.AutoencoderTiny, not diffusers.AutoencoderKL",
        "it has no part tokenizer",
    )
    with pytest.raises(UnsupportedModel, match=f"this Mine cannot be drawn: {first}; {second}; what can be drawn"):
        demand_drawable(SD, source="here", class_name="Mine", found=(first, second))


def test_what_a_drawing_does_without_is_named() -> None:
    checked = index(
        safety_checker=["stable_diffusion", "StableDiffusionSafetyChecker"],
        feature_extractor=["transformers", "CLIPImageProcessor"],
    )
    assert ignored_parts(SD, checked) == ("safety_checker", "feature_extractor")
    assert refusals(SD, checked, {}) == ()
    assert ignored_parts(SD, index()) == ()


def test_a_family_that_cannot_be_drawn_says_why() -> None:
    family = FAMILIES["sdxl"]
    with pytest.raises(UnsupportedModel, match=f"StableDiffusionXLPipeline cannot be drawn: {family.reason}"):
        demand_drawable(family, source="here")
    demand_drawable(SD, source="here")
