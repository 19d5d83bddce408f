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

OWN_INPUTS = 3
"""What every U-Net takes: latents, timestep and text; a family's further inputs follow."""


class TextEncoder(nn.Module):
    """Token ids (1, 77), as float32, to hidden states (1, 77, D) and the pooled end-of-text vector (1, D).

    A hidden layer before the last one comes without the final norm.
    """

    def __init__(self, text_encoder: nn.Module, *, hidden_layer: int = -1) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        self.hidden_layer = hidden_layer

    def forward(self, input_ids: Tensor) -> tuple[Tensor, Tensor]:
        last = self.hidden_layer == -1
        output = self.text_encoder(input_ids.to(torch.int32), output_hidden_states=not last)
        pooled = output.text_embeds if hasattr(output, "text_embeds") else output.pooler_output
        return (output.last_hidden_state if last else output.hidden_states[self.hidden_layer]), pooled


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

    def __init__(self, unet: nn.Module, *, added: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.unet = unet
        self.added = added
        """Names of the further inputs, in the contract's order."""
        self.channels_first = False
        """Whether the U-Net's transformers take the text as it comes (`sdqa.convert.attention`)."""

    def forward(self, sample: Tensor, timestep: Tensor, encoder_hidden_states: Tensor, *added: Tensor) -> Tensor:
        context = encoder_hidden_states if self.channels_first else encoder_hidden_states.squeeze(2).transpose(1, 2)
        conditions = dict(zip(self.added, added, strict=True)) or None
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
    """The component in fp32, eval mode, with the inputs and outputs that its family declares."""
    declared = teacher.family.component(component)
    part = teacher.part(declared.part)
    module: nn.Module
    match declared.wrapper:
        case "TextEncoder":
            module = TextEncoder(part, hidden_layer=declared.hidden_layer)
        case "VaeEncoder":
            module = VaeEncoder(part)
        case "VaeDecoder":
            module = VaeDecoder(part)
        case "UNet":
            module = UNet(part, added=tuple(port.name for port in declared.inputs[OWN_INPUTS:]))
    return module.eval()
