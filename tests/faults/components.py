"""The four components with random weights and a handful of channels, converted as the product converts them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from sdqa import compat

compat.prepare_hub()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402


class _Text(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.text_encoder = model

    def forward(self, input_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        output = self.text_encoder(input_ids.to(torch.int32))
        return output.last_hidden_state, output.pooler_output


class _Encoder(nn.Module):
    def __init__(self, vae: Any) -> None:
        super().__init__()
        self.encoder, self.quant_conv = vae.encoder, vae.quant_conv

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.quant_conv(self.encoder(x))


class _Decoder(nn.Module):
    def __init__(self, vae: Any) -> None:
        super().__init__()
        self.decoder, self.post_quant_conv = vae.decoder, vae.post_quant_conv

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.post_quant_conv(z))


class _UNet(nn.Module):
    def __init__(self, unet: Any) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, sample: torch.Tensor, timestep: torch.Tensor, encoder_hidden_states: torch.Tensor) -> Any:
        context = encoder_hidden_states.squeeze(2).transpose(1, 2)
        return self.unet(sample, timestep, context, return_dict=False)[0]


def _modules() -> dict[str, nn.Module]:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 16),
        layers_per_block=1,
        cross_attention_dim=16,
        attention_head_dim=2,
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )
    vae = AutoencoderKL(
        latent_channels=4,
        block_out_channels=(8, 8, 16),
        layers_per_block=1,
        norm_num_groups=2,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
    )
    text = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=64,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=77,
            bos_token_id=62,
            eos_token_id=63,
        )
    )
    for module in (unet, vae, text):
        for name, parameter in module.named_parameters():
            if "norm" in name or name.endswith("bias"):  # ones and zeros would be folded away
                parameter.data += 0.1 * torch.randn_like(parameter)
    return {
        "text_encoder": _Text(text),
        "vae_encoder": _Encoder(vae),
        "unet": _UNet(unet),
        "vae_decoder": _Decoder(vae),
    }


_INPUTS: dict[str, dict[str, tuple[tuple[int, ...], Any]]] = {
    "text_encoder": {"input_ids": ((1, 77), np.float32)},
    "vae_encoder": {"x": ((1, 3, 32, 32), np.float16)},
    "unet": {
        "sample": ((2, 4, 8, 8), np.float16),
        "timestep": ((2,), np.float16),
        "encoder_hidden_states": ((2, 16, 1, 77), np.float16),
    },
    "vae_decoder": {"z": ((1, 4, 8, 8), np.float16)},
}
_OUTPUTS = {
    "text_encoder": ("last_hidden_state", "pooled_outputs"),
    "vae_encoder": ("latent",),
    "unet": ("noise_pred",),
    "vae_decoder": ("image",),
}


def convert_all(folder: Path) -> None:
    """`folder/<component>.mlpackage` for the four components."""
    compat.prepare_coremltools()
    import coremltools as ct

    for name, module in _modules().items():
        shapes = _INPUTS[name]
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            examples = tuple(torch.ones(shape) for shape, _ in shapes.values())
            traced = torch.jit.trace(module.eval(), examples, strict=False, check_trace=False)
            model = ct.convert(
                traced,
                convert_to="mlprogram",
                minimum_deployment_target=ct.target.iOS17,
                compute_precision=ct.precision.FLOAT16,
                skip_model_load=True,
                inputs=[ct.TensorType(name=key, shape=shape, dtype=dtype) for key, (shape, dtype) in shapes.items()],
                outputs=[ct.TensorType(name=output, dtype=np.float32) for output in _OUTPUTS[name]],
            )
            model.save(str(folder / f"{name}.mlpackage"))
