"""The teacher's own modules behind the runner protocol, so that it goes through the same pipeline as a candidate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sdqa.errors import InputError
from sdqa.families import Family, demand_drawable
from sdqa.families.records import Wrapper
from sdqa.runtime import Arrays

Forward = Callable[..., dict[str, Tensor]]


class ModuleRunner:
    """A component executed by torch eager in fp32."""

    def __init__(self, component: str, forward: Forward) -> None:
        self.component = component
        self._forward = forward

    def run(self, inputs: Arrays) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        """One forward pass; see `Runner.run`."""
        tensors = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in inputs.items()}
        try:
            with torch.no_grad():
                outputs = self._forward(**tensors)
        except TypeError as error:
            raise InputError(str(error), where=self.component) from error
        return {name: value.numpy() for name, value in outputs.items()}


def teacher_runners(parts: Mapping[str, Any], family: Family) -> dict[str, ModuleRunner]:
    """Runners for the components of a loaded diffusers pipeline.

    Args:
        parts: the pipeline's parts by name, fp32 torch modules in evaluation mode.
        family: one that can be drawn.

    Raises:
        UnsupportedModel: it cannot be drawn.
    """
    demand_drawable(family, source="")
    return {
        component.name: ModuleRunner(component.name, FORWARDS[component.wrapper](parts[component.part]))
        for component in family.components
    }


def _text_encoder(part: Any) -> Forward:
    def forward(input_ids: Tensor) -> dict[str, Tensor]:
        hidden, pooled = part(input_ids.long(), return_dict=False)[:2]
        return {"last_hidden_state": hidden, "pooled_outputs": pooled}

    return forward


def _vae_encoder(part: Any) -> Forward:
    def forward(x: Tensor) -> dict[str, Tensor]:
        moments = part.encoder(x)
        return {"latent": part.quant_conv(moments) if part.quant_conv is not None else moments}

    return forward


def _vae_decoder(part: Any) -> Forward:
    def forward(z: Tensor) -> dict[str, Tensor]:
        latents = part.post_quant_conv(z) if part.post_quant_conv is not None else z
        return {"image": part.decoder(latents)}

    return forward


def _unet(part: Any) -> Forward:
    def forward(sample: Tensor, timestep: Tensor, encoder_hidden_states: Tensor) -> dict[str, Tensor]:
        states = encoder_hidden_states[:, :, 0, :].permute(0, 2, 1)
        return {"noise_pred": part(sample, timestep, states, return_dict=False)[0]}

    return forward


FORWARDS: dict[Wrapper, Callable[[Any], Forward]] = {
    "TextEncoder": _text_encoder,
    "VaeEncoder": _vae_encoder,
    "UNet": _unet,
    "VaeDecoder": _vae_decoder,
}
"""How each kind of component is called in torch, by its contract's inputs and outputs."""


def graph_parts(parts: Mapping[str, Any]) -> dict[str, Any]:
    """What a `Graph` needs besides runners: tokenizer and configurations."""
    return {
        "tokenizer": parts["tokenizer"],
        "scheduler_config": parts["scheduler"].config,
        "text_encoder_config": parts["text_encoder"].config,
        "unet_config": dict(parts["unet"].config),
        "vae_config": dict(parts["vae"].config),
    }
