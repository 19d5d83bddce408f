"""The tensors that a part's configuration asks for, by name and shape, without importing the library that builds it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import JsonValue

from sdqa.families import Part
from sdqa.families.class_keys import DIFFUSERS_ACTIVATIONS, TRANSFORMERS_ACTIVATIONS
from sdqa.models.keys import Keys
from sdqa.models.shapes.clip import clip_tensors, projected_clip_tensors
from sdqa.models.shapes.layers import Shape
from sdqa.models.shapes.unet import unet_tensors
from sdqa.models.shapes.vae import autoencoder_tensors

__all__ = ["SHAPES", "Shape", "expected_tensors"]

SHAPES: dict[str, Callable[[Keys], dict[str, Shape]]] = {
    "UNet2DConditionModel": unet_tensors,
    "AutoencoderKL": autoencoder_tensors,
    "CLIPTextModel": clip_tensors,
    "CLIPTextModelWithProjection": projected_clip_tensors,
}
"""By the class that loads a part; a test holds each against the class."""
POSITIVE = ("norm_eps", "layer_norm_eps", "mid_block_scale_factor", "resnet_out_scale_factor")
"""What is divided by, or keeps a variance from being nothing."""
ACTIVATIONS: Mapping[str, tuple[str, ...]] = {
    "act_fn": DIFFUSERS_ACTIVATIONS,
    "time_embedding_act_fn": DIFFUSERS_ACTIVATIONS,
    "timestep_post_act": DIFFUSERS_ACTIVATIONS,
    "hidden_act": TRANSFORMERS_ACTIVATIONS,
}


def expected_tensors(part: Part, configuration: Mapping[str, Any], source: str) -> dict[str, Shape]:
    """Shapes by name of a part with weights, where the configuration is silent by what its class takes then.

    Raises:
        ModelError: a key has a value that the class cannot be built or run with.
        UnsupportedModel: it names blocks of an architecture that no family has.
    """
    keys = Keys(f"{part.name}/{part.configuration}", {**part.keys, **configuration}, source)
    _demand_kinds(keys, part.keys)
    for key in POSITIVE:
        if key in part.keys:
            keys.number(key, above=0)
    for key, names in ACTIVATIONS.items():
        if keys.content.get(key) is not None:
            keys.word(key, names)
    return SHAPES[part.classes[0]](keys)


def _demand_kinds(keys: Keys, usual: Mapping[str, JsonValue]) -> None:
    """Numbers are numbers and switches switches; what may also be a list, or null, is read by whoever uses it."""
    for key, default in usual.items():
        value = keys.content[key]
        if value is None or isinstance(value, list | tuple):
            continue
        if isinstance(default, bool):
            if not isinstance(value, bool):
                raise keys.wrong(key, value, "true or false")
        elif isinstance(default, int | float) and not _is_number(value):
            raise keys.wrong(key, value, "a finite number")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
