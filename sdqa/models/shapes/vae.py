"""The tensors of diffusers' `AutoencoderKL`."""

from __future__ import annotations

from sdqa.models.configuration import MAX_CHANNELS
from sdqa.models.keys import Keys
from sdqa.models.shapes.layers import MAX_BLOCKS, MAX_LAYERS, Shape, Tensors, wholes_of_count

DOWN, UP = ("DownEncoderBlock2D",), ("UpDecoderBlock2D",)
MOMENTS = 2
"""The encoder gives a mean and a logarithm of the variance of every latent channel."""


class _Halves(Tensors):
    """An autoencoder's tensors."""

    def middle(self, name: str, channels: int) -> None:
        for number in range(2):
            self.resnet(f"{name}.resnets.{number}", channels, channels)
        if self.keys.flag("mid_block_add_attention", True):
            self.norm(f"{name}.attentions.0.group_norm", channels)
            self.attention(f"{name}.attentions.0", channels, channels, channels, bias=True)

    def level(self, name: str, into: int, out: int, layers: int, sampler: str) -> None:
        """Residual blocks, and what changes the resolution after them; empty where nothing does."""
        for number in range(layers):
            self.resnet(f"{name}.resnets.{number}", out if number else into, out)
        if sampler:
            self.conv(f"{name}.{sampler}.0.conv", out, out)


def autoencoder_tensors(keys: Keys) -> dict[str, Shape]:
    """Shapes by name.

    Raises:
        ModelError: the configuration is not one that the class takes.
        UnsupportedModel: it names blocks of another architecture.
    """
    halves = _Halves(keys, keys.whole("norm_num_groups", most=MAX_CHANNELS))
    kinds = keys.supported("down_block_types", DOWN, most=MAX_BLOCKS)
    if len(keys.supported("up_block_types", UP, most=MAX_BLOCKS)) != len(kinds):
        raise keys.wrong("up_block_types", list(keys.words("up_block_types")), f"{len(kinds)} blocks")
    channels = wholes_of_count(keys, "block_out_channels", len(kinds), "down_block_types has")
    layers, latents = keys.whole("layers_per_block", most=MAX_LAYERS), keys.whole("latent_channels", most=MAX_CHANNELS)
    moments = MOMENTS * latents

    halves.conv("encoder.conv_in", channels[0], keys.whole("in_channels", most=MAX_CHANNELS))
    into = channels[0]
    for index, out in enumerate(channels):
        sampler = "downsamplers" if index < len(channels) - 1 else ""
        halves.level(f"encoder.down_blocks.{index}", into, out, layers, sampler)
        into = out
    halves.middle("encoder.mid_block", into)
    halves.norm("encoder.conv_norm_out", into)
    halves.conv("encoder.conv_out", moments, into)
    if keys.flag("use_quant_conv", True):
        halves.conv("quant_conv", moments, moments, 1)

    if keys.flag("use_post_quant_conv", True):
        halves.conv("post_quant_conv", latents, latents, 1)
    halves.conv("decoder.conv_in", into, latents)
    halves.middle("decoder.mid_block", into)
    for index, out in enumerate(reversed(channels)):
        sampler = "upsamplers" if index < len(channels) - 1 else ""
        halves.level(f"decoder.up_blocks.{index}", into, out, layers + 1, sampler)
        into = out
    halves.norm("decoder.conv_norm_out", into)
    halves.conv("decoder.conv_out", keys.whole("out_channels", most=MAX_CHANNELS), into)
    return halves.shapes
