"""Every key of the libraries' configurations is followed, harmless, or refused by name before anything is converted."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from sdqa import compat

compat.prepare_hub()

import diffusers  # noqa: E402
import transformers  # noqa: E402

from sdqa.errors import ModelError  # noqa: E402
from sdqa.models import load_teacher  # noqa: E402
from sdqa.models.architecture import demand_architecture  # noqa: E402
from sdqa.models.opening import examine_folder  # noqa: E402
from tests.models.test_opening import edit  # noqa: E402

CALLED = {"unet": ("U-Net",), "vae": ("VAE",), "text_encoder": ("text encoder",)}
"""What messages call the parts in words."""
FOLLOWED = {
    "unet": {
        "center_input_sample",
        "flip_sin_to_cos",
        "freq_shift",
        "act_fn",
        "norm_eps",
        "mid_block_scale_factor",
        "resnet_out_scale_factor",
        "resnet_skip_time_act",
        "time_embedding_act_fn",
        "timestep_post_act",
        "upcast_attention",
        "attention_head_dim",
        "norm_num_groups",
        "downsample_padding",
        "sample_size",
        "mid_block_only_cross_attention",
    },
    "vae": {"act_fn", "norm_num_groups", "scaling_factor"},
    "text_encoder": {"hidden_act", "layer_norm_eps", "num_attention_heads", "eos_token_id"},
}
"""Keys that change what is computed, in the teacher and in what is traced from it alike."""
HARMLESS = {
    "unet": {
        "dropout",
        "addition_time_embed_dim",
        "addition_embed_type_num_heads",
        "projection_class_embeddings_input_dim",
        "reverse_transformer_layers_per_block",
        "only_cross_attention",
        "cross_attention_norm",  # of simple cross-attention only
    },
    "vae": {"sample_size", "force_upcast"},
    "text_encoder": {
        "attention_dropout",
        "initializer_range",
        "initializer_factor",
        "projection_dim",
        "pad_token_id",
        "bos_token_id",
        "chunk_size_feed_forward",
        "is_encoder_decoder",
        "output_hidden_states",
        "output_attentions",
        "id2label",
        "label2id",
        "problem_type",
        "dtype",
        "architectures",
        "transformers_version",
        "_name_or_path",
    },
}
"""Keys that a drawing in fp32 does not depend on, as the miniature has them."""
OTHER = {
    "act_fn": "gelu",
    "hidden_act": "gelu",
    "time_embedding_act_fn": "silu",
    "timestep_post_act": "silu",
    "class_embed_type": "timestep",
    "addition_embed_type": "text",
    "encoder_hid_dim_type": "text_proj",
    "attention_type": "gated",
    "time_embedding_type": "fourier",
    "resnet_time_scale_shift": "scale_shift",
    "cross_attention_norm": "layer_norm",
    "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
    "reverse_transformer_layers_per_block": [1, 1],
    "latents_mean": [0.0] * 4,
    "latents_std": [1.0] * 4,
    "mid_block_only_cross_attention": True,
    "num_attention_heads": 2,
    "attention_head_dim": 2,
    "norm_num_groups": 2,
    "freq_shift": 1,
    "dtype": "float16",
    "sample_size": 24,  # sides of pictures are divisible by 8
    "problem_type": "regression",
    "architectures": ["CLIPTextModel"],
    "id2label": {"0": "a", "1": "b"},
    "label2id": {"a": 0, "b": 1},
}


def flipped(key: str, value: Any) -> Any:
    """Another value of a key than it has."""
    if key in OTHER:
        return OTHER[key]
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return value * 2 + 0.125
        case list():
            return list(reversed(value)) if list(reversed(value)) != value else [value[0]]
        case str():
            return value + "Other"
        case _:
            return 8


def keys() -> list[tuple[str, str]]:
    classes = {"unet": diffusers.UNet2DConditionModel, "vae": diffusers.AutoencoderKL}
    of = {part: list(inspect.signature(kind.__init__).parameters)[1:] for part, kind in classes.items()}
    of["text_encoder"] = list(transformers.CLIPTextConfig().to_dict())
    return [(part, key) for part, names in of.items() for key in names]


@pytest.mark.parametrize(("part", "key"), keys())
def test_every_key_of_a_configuration_is_followed_refused_or_harmless(folder: Path, part: str, key: str) -> None:
    path = folder / part / "config.json"
    before = json.loads(path.read_text("utf-8"))
    default = None if key in before else getattr(load_teacher("random:miniature").part(part).config, key, None)
    edit(path, **{key: flipped(key, before.get(key, default))})
    if key in FOLLOWED[part] | HARMLESS[part]:
        demand_architecture(folder, examine_folder(folder, source="here"))
        found = getattr(load_teacher(f"folder:{folder}").part(part).config, key)
        assert key in HARMLESS[part] or found == flipped(key, before.get(key, default))
    else:
        with pytest.raises(ModelError) as caught:
            demand_architecture(folder, examine_folder(folder, source="here"))
        assert any(word in str(caught.value) for word in (part, key, *CALLED[part]))
