"""Each component as a torch module with the contract's inputs and outputs, in the contract's order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from sdqa.convert.attention import attention_layout
from sdqa.models.teacher import Teacher
from sdqa.plan.variant import Attention


class TextEncoder(nn.Module):
    """Token ids (1, 77), as float32, to hidden states (1, 77, D) and the pooled end-of-text vector (1, D).

    SDXL takes the last hidden state but one, without the final norm.
    """

    def __init__(self, text_encoder: nn.Module, *, penultimate: bool) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        self.penultimate = penultimate

    def forward(self, input_ids: Tensor) -> tuple[Tensor, Tensor]:
        output = self.text_encoder(input_ids.to(torch.int32), output_hidden_states=self.penultimate)
        pooled = output.text_embeds if hasattr(output, "text_embeds") else output.pooler_output
        return (output.hidden_states[-2] if self.penultimate else output.last_hidden_state), pooled


class VaeEncoder(nn.Module):
    """Image in [-1, 1], (1, 3, H, W), to the latent distribution's mean and log-variance, (1, 8, h, w), unscaled."""

    def __init__(self, vae: Any) -> None:
        super().__init__()
        self.encoder = vae.encoder
        self.quant_conv = vae.quant_conv if vae.quant_conv is not None else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.quant_conv(self.encoder(x))  # type: ignore[no-any-return]


class VaeDecoder(nn.Module):
    """Latents divided by the scaling factor, (1, 4, h, w), to an image in about [-1, 1], (1, 3, H, W)."""

    def __init__(self, vae: Any) -> None:
        super().__init__()
        self.post_quant_conv = vae.post_quant_conv if vae.post_quant_conv is not None else nn.Identity()
        self.decoder = vae.decoder

    def forward(self, z: Tensor) -> Tensor:
        return self.decoder(self.post_quant_conv(z))  # type: ignore[no-any-return]


class UNet(nn.Module):
    """Latents (2, 4, h, w), timestep (2,) and text (2, D, 1, 77) to the predicted noise (2, 4, h, w).

    SDXL adds the six size numbers (2, 6) and the second encoder's pooled text (2, P).
    """

    def __init__(self, unet: nn.Module) -> None:
        super().__init__()
        self.unet = unet
        self.channels_first = False
        """Whether the U-Net's transformers take the text as it comes (`sdqa.convert.attention`)."""

    def forward(self, sample: Tensor, timestep: Tensor, encoder_hidden_states: Tensor, *added: Tensor) -> Tensor:
        context = encoder_hidden_states if self.channels_first else encoder_hidden_states.squeeze(2).transpose(1, 2)
        conditions = {"time_ids": added[0], "text_embeds": added[1]} if added else None
        output = self.unet(sample, timestep, context, added_cond_kwargs=conditions, return_dict=False)
        return output[0]  # type: ignore[no-any-return]


@contextmanager
def laid_out(module: nn.Module, attention: Attention) -> Iterator[nn.Module]:
    """A wrapped component with its attention in the layout asked for, while the context lasts."""
    if not isinstance(module, UNet) or attention == "original":
        yield module
        return
    with attention_layout(module.unet, attention):
        module.channels_first = True
        try:
            yield module
        finally:
            module.channels_first = False


def wrap(teacher: Teacher, component: str) -> nn.Module:
    """The component in fp32, eval mode, with Apple's inputs and outputs."""
    if component.startswith("text_encoder"):
        module: nn.Module = TextEncoder(teacher.part(component), penultimate=teacher.family == "sdxl")
    elif component == "vae_encoder":
        module = VaeEncoder(teacher.part("vae"))
    elif component == "vae_decoder":
        module = VaeDecoder(teacher.part("vae"))
    else:
        module = UNet(teacher.part("unet"))
    return module.eval()
