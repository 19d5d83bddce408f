"""The teacher's own modules behind the runner protocol, so that it goes through the same pipeline as a candidate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sdqa.errors import InputError
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


def teacher_runners(parts: Mapping[str, Any]) -> dict[str, ModuleRunner]:
    """Runners for the four components of a loaded diffusers pipeline.

    Args:
        parts: `text_encoder`, `vae`, `unet` as fp32 torch modules in evaluation mode.
    """
    text, vae, unet = parts["text_encoder"], parts["vae"], parts["unet"]

    def text_encoder(input_ids: Tensor) -> dict[str, Tensor]:
        hidden, pooled = text(input_ids.long(), return_dict=False)[:2]
        return {"last_hidden_state": hidden, "pooled_outputs": pooled}

    def vae_encoder(x: Tensor) -> dict[str, Tensor]:
        moments = vae.encoder(x)
        return {"latent": vae.quant_conv(moments) if vae.quant_conv is not None else moments}

    def vae_decoder(z: Tensor) -> dict[str, Tensor]:
        latents = vae.post_quant_conv(z) if vae.post_quant_conv is not None else z
        return {"image": vae.decoder(latents)}

    def denoise(sample: Tensor, timestep: Tensor, encoder_hidden_states: Tensor) -> dict[str, Tensor]:
        states = encoder_hidden_states[:, :, 0, :].permute(0, 2, 1)
        return {"noise_pred": unet(sample, timestep, states, return_dict=False)[0]}

    forwards: dict[str, Forward] = {
        "text_encoder": text_encoder,
        "vae_encoder": vae_encoder,
        "unet": denoise,
        "vae_decoder": vae_decoder,
    }
    return {name: ModuleRunner(name, forward) for name, forward in forwards.items()}


def graph_parts(parts: Mapping[str, Any]) -> dict[str, Any]:
    """What a `Graph` needs besides runners: tokenizer and configurations."""
    return {
        "tokenizer": parts["tokenizer"],
        "scheduler_config": parts["scheduler"].config,
        "text_encoder_config": parts["text_encoder"].config,
        "unet_config": dict(parts["unet"].config),
        "vae_config": dict(parts["vae"].config),
    }
