"""The tensors that are worked out of a configuration are those of the modules that the libraries build of it."""

from __future__ import annotations

from typing import Any

import pytest

from sdqa.errors import ModelError
from sdqa.families import FAMILIES, Part
from sdqa.models.architecture import build_empty
from sdqa.models.architectures import ARCHITECTURES
from sdqa.models.shapes import SHAPES, expected_tensors
from sdqa.models.tensors import require_tensors
from sdqa.models.weights import StoredTensor


def part(architecture: str, name: str) -> tuple[Part, dict[str, Any]]:
    described = ARCHITECTURES[architecture]
    return FAMILIES[described.family].part(name), described.configurations()[name]


def built(which: Part, configuration: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    states = build_empty(which, configuration, "here").state_dict()
    return {
        name.removeprefix("text_model."): tuple(one.shape)
        for name, one in states.items()
        if not name.endswith("position_ids")
    }


DOWN, CROSS, ENCODER, DECODER = "DownBlock2D", "CrossAttnUpBlock2D", "DownEncoderBlock2D", "UpDecoderBlock2D"
ALL = [(name, one.name) for name, made in ARCHITECTURES.items() for one in FAMILIES[made.family].weighted_parts]


@pytest.mark.parametrize(("architecture", "name"), ALL)
def test_published_architectures_have_these_tensors(architecture: str, name: str) -> None:
    which, configuration = part(architecture, name)
    assert expected_tensors(which, configuration, "here") == built(which, configuration)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("unet", {"resnet_time_scale_shift": "scale_shift"}),
        ("unet", {"use_linear_projection": True}),
        ("unet", {"only_cross_attention": [True, False], "cross_attention_dim": 24}),
        ("unet", {"only_cross_attention": True, "cross_attention_dim": 24}),
        ("unet", {"layers_per_block": [1, 3]}),
        ("unet", {"layers_per_block": 3, "transformer_layers_per_block": [2, 1]}),
        (
            "unet",
            {"transformer_layers_per_block": [[2], [1]], "reverse_transformer_layers_per_block": [[1, 1], [3, 2]]},
        ),
        ("unet", {"attention_head_dim": [3, 5], "norm_num_groups": 4}),
        ("unet", {"mid_block_type": None}),
        ("unet", {"mid_block_type": "UNetMidBlock2D"}),
        ("unet", {"time_embedding_dim": 40, "conv_in_kernel": 1, "conv_out_kernel": 5}),
        ("unet", {"in_channels": 8, "out_channels": 6}),
        ("unet", {"block_out_channels": [32, 48, 64], "down_block_types": [DOWN] * 3, "up_block_types": [CROSS] * 3}),
        ("vae", {"use_quant_conv": False}),
        ("vae", {"use_post_quant_conv": False, "latent_channels": 16}),
        ("vae", {"mid_block_add_attention": False, "layers_per_block": 3}),
        ("vae", {"block_out_channels": [8], "down_block_types": [ENCODER], "up_block_types": [DECODER]}),
        ("text_encoder", {"num_hidden_layers": 5, "intermediate_size": 7, "max_position_embeddings": 9}),
    ],
)  # fmt: skip
def test_other_configurations_too(name: str, changes: dict[str, Any]) -> None:
    which, configuration = part("miniature", name)
    changed = {**configuration, **changes}
    assert expected_tensors(which, changed, "here") == built(which, changed)


@pytest.mark.parametrize("name", [one.name for one in FAMILIES["sd"].weighted_parts])
def test_a_silent_configuration_has_the_class_own(name: str) -> None:
    which, _ = part("miniature", name)
    assert expected_tensors(which, {}, "here") == built(which, {})


WRONG = [
    ("unet", {"norm_num_groups": 7}, "norm_num_groups is 7; allowed: a divisor of 32"),
    ("unet", {"norm_num_groups": None}, "norm_num_groups is None"),
    ("unet", {"down_block_types": ["AttnDownBlock2D"] * 2}, "has 'AttnDownBlock2D'; supported is DownBlock2D or"),
    ("unet", {"mid_block_type": "UNetMidBlock2DSimpleCrossAttn"}, "supported is UNetMidBlock2D or"),
    ("unet", {"up_block_types": ["UpBlock2D"] * 3}, "2 blocks, as many as down_block_types has"),
    ("unet", {"block_out_channels": [32]}, "2 numbers, as many as down_block_types has"),
    ("unet", {"layers_per_block": 10**9}, "layers_per_block is 1000000000"),
    ("unet", {"transformer_layers_per_block": [1, 0]}, "transformer_layers_per_block is [1, 0]"),
    ("unet", {"only_cross_attention": [True]}, "true, false, or 2 of them"),
    ("unet", {"resnet_time_scale_shift": "spatial"}, "default or scale_shift"),
    ("unet", {"act_fn": "sliu"}, "act_fn is 'sliu'"),
    ("unet", {"norm_eps": "small"}, "norm_eps is 'small'; allowed: a finite number"),
    ("unet", {"flip_sin_to_cos": "yes"}, "flip_sin_to_cos is 'yes'; allowed: true or false"),
    ("vae", {"norm_num_groups": 7}, "norm_num_groups is 7; allowed: a divisor of 16"),
    ("vae", {"down_block_types": ["AttnDownEncoderBlock2D"] * 2}, "supported is DownEncoderBlock2D"),
    ("text_encoder", {"num_attention_heads": 5}, "a divisor of 32, the hidden_size"),
    ("text_encoder", {"hidden_act": "quik_gelu"}, "hidden_act is 'quik_gelu'"),
]


@pytest.mark.parametrize(("name", "changes", "words"), WRONG)
def test_what_the_class_cannot_be_built_of_is_named(name: str, changes: dict[str, Any], words: str) -> None:
    which, configuration = part("miniature", name)
    with pytest.raises(ModelError) as caught:
        expected_tensors(which, {**configuration, **changes}, "here")
    assert words in caught.value.what
    assert f"{name}/config.json: " in caught.value.what


def test_every_class_with_weights_has_shapes() -> None:
    assert {one.classes[0] for made in FAMILIES.values() for one in made.weighted_parts} == set(SHAPES)


def test_names_of_older_checkpoints_are_todays() -> None:
    wanted = {
        "mid.attentions.0.to_q.weight": (4, 4),
        "mid.attentions.0.to_out.0.bias": (4,),
        "layers.0.fc.weight": (2,),
    }
    old = {
        "mid.attentions.0.query.weight": (4, 4),
        "mid.attentions.0.proj_attn.bias": (4,),
        "text_model.layers.0.fc.weight": (2,),
        "text_model.embeddings.position_ids": (1, 77),
    }
    require_tensors("vae", wanted, stored(old), "here")
    other = {**{name: one for name, one in old.items() if "fc" not in name}, "mid.attentions.0.query.weight": (3, 4)}
    with pytest.raises(ModelError, match=r"1 missing keys: layers.0.fc.weight; .*to_q.weight \(3, 4\) for \(4, 4\)"):
        require_tensors("vae", wanted, stored(other), "here")


def stored(shapes: dict[str, tuple[int, ...]]) -> dict[str, StoredTensor]:
    return {name: StoredTensor(shape, "F32") for name, shape in shapes.items()}
