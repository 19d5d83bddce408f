"""The tensors of diffusers' `UNet2DConditionModel`, in the order of its layers."""

from __future__ import annotations

from dataclasses import dataclass

from sdqa.errors import UnsupportedModel
from sdqa.models.configuration import MAX_CHANNELS, MAX_WIDTH
from sdqa.models.keys import Keys
from sdqa.models.shapes.layers import (
    FEED_FORWARD,
    GATED,
    MAX_BLOCKS,
    MAX_KERNEL,
    MAX_LAYERS,
    Shape,
    Tensors,
    wholes_of_count,
)

DOWN, UP = ("DownBlock2D", "CrossAttnDownBlock2D"), ("UpBlock2D", "CrossAttnUpBlock2D")
MIDDLE = ("UNetMidBlock2D", "UNetMidBlock2DCrossAttn")
CROSS = "CrossAttn"
ADDED = "projection_class_embeddings_input_dim"
"""Width of the sizes and the pooled text that SDXL's U-Net is told."""
TIME_WIDTHS = 4
"""Width of the timestep's embedding where none is stated, in widths of the first block."""


@dataclass(frozen=True)
class _Level:
    """One resolution."""

    channels: int
    layers: int
    heads: int
    context: int
    """Width of the text."""
    depth: tuple[int, ...]
    """Transformer blocks of each attention, the first ones again where there are more attentions."""
    only_cross: bool


class _Network(Tensors):
    """A U-Net's tensors."""

    def transformer(self, name: str, level: _Level, depth: int, *, only_cross: bool) -> None:
        inner = level.heads * (level.channels // level.heads)
        projection = () if self.keys.flag("use_linear_projection", False) else (1, 1)
        self.norm(f"{name}.norm", level.channels)
        self.affine(f"{name}.proj_in", (inner, level.channels, *projection))
        for number in range(depth):
            block = f"{name}.transformer_blocks.{number}"
            for norm in ("norm1", "norm2", "norm3"):
                self.affine(f"{block}.{norm}", (inner,))
            self.attention(f"{block}.attn1", inner, inner, level.context if only_cross else inner)
            self.attention(f"{block}.attn2", inner, inner, level.context)
            self.affine(f"{block}.ff.net.0.proj", (GATED * FEED_FORWARD * inner, inner))
            self.affine(f"{block}.ff.net.2", (inner, FEED_FORWARD * inner))
        self.affine(f"{name}.proj_out", (level.channels, inner, *projection))

    def block(self, name: str, kind: str, level: _Level, widths: list[int], time: int) -> None:
        """Residual blocks of these input widths, each with its transformer where the kind has any."""
        for number, into in enumerate(widths):
            self.resnet(f"{name}.resnets.{number}", into, level.channels, time=time)
            if kind.startswith(CROSS):
                depth = level.depth[number % len(level.depth)]
                self.transformer(f"{name}.attentions.{number}", level, depth, only_cross=level.only_cross)

    def middle(self, level: _Level, time: int) -> None:
        kind = self.keys.content.get("mid_block_type")
        if kind is None:
            return
        if kind not in MIDDLE:
            what = f"{self.keys.file}: mid_block_type is {kind!r}; supported is {' or '.join(MIDDLE)}, or null"
            raise UnsupportedModel(what, where=self.keys.source)
        self.resnet("mid_block.resnets.0", level.channels, level.channels, time=time)
        if kind.endswith(CROSS):
            self.transformer("mid_block.attentions.0", level, level.depth[0], only_cross=False)
            self.resnet("mid_block.resnets.1", level.channels, level.channels, time=time)


def unet_tensors(keys: Keys) -> dict[str, Shape]:
    """Shapes by name.

    Raises:
        ModelError: the configuration is not one that the class takes.
        UnsupportedModel: it names blocks of another architecture.
    """
    network = _Network(keys, keys.whole("norm_num_groups", most=MAX_CHANNELS))
    down = keys.supported("down_block_types", DOWN, most=MAX_BLOCKS)
    up = keys.supported("up_block_types", UP, most=MAX_BLOCKS)
    if len(up) != len(down):
        raise keys.wrong("up_block_types", list(up), f"{len(down)} blocks, as many as down_block_types has")
    levels = _levels(keys, len(down))
    first, time = levels[0].channels, _time(keys, levels[0].channels)
    kernels = (keys.whole("conv_in_kernel", most=MAX_KERNEL), keys.whole("conv_out_kernel", most=MAX_KERNEL))
    network.conv("conv_in", first, keys.whole("in_channels", most=MAX_CHANNELS), kernels[0])
    network.affine("time_embedding.linear_1", (time, first))
    network.affine("time_embedding.linear_2", (time, time))
    if keys.content.get("addition_embed_type") is not None:
        network.affine("add_embedding.linear_1", (time, keys.whole(ADDED, most=MAX_WIDTH)))
        network.affine("add_embedding.linear_2", (time, time))
    into = first
    for index, (kind, level) in enumerate(zip(down, levels, strict=True)):
        network.block(f"down_blocks.{index}", kind, level, [into, *[level.channels] * (level.layers - 1)], time)
        if level is not levels[-1]:
            network.conv(f"down_blocks.{index}.downsamplers.0.conv", level.channels, level.channels)
        into = level.channels
    network.middle(levels[-1], time)
    _up(network, up, levels, time)
    network.norm("conv_norm_out", first)
    network.conv("conv_out", keys.whole("out_channels", most=MAX_CHANNELS), first, kernels[1])
    return network.shapes


def _up(network: _Network, kinds: tuple[str, ...], levels: list[_Level], time: int) -> None:
    """The way back: each residual block also takes what the way down left at its resolution."""
    depths = _reversed_depths(network.keys, levels)
    before = levels[-1].channels
    for index, (kind, depth) in enumerate(zip(kinds, depths, strict=True)):
        place = len(levels) - 1 - index
        level = levels[place]
        below = levels[max(place - 1, 0)].channels
        widths = [before, *[level.channels] * level.layers]
        skips = [*[level.channels] * level.layers, below]
        there = _Level(level.channels, level.layers, level.heads, level.context, depth, level.only_cross)
        network.block(f"up_blocks.{index}", kind, there, [a + b for a, b in zip(widths, skips, strict=True)], time)
        if place:
            network.conv(f"up_blocks.{index}.upsamplers.0.conv", level.channels, level.channels)
        before = level.channels


def _levels(keys: Keys, count: int) -> list[_Level]:
    channels = wholes_of_count(keys, "block_out_channels", count, "down_block_types has")
    layers = keys.each("layers_per_block", count, most=MAX_LAYERS)
    heads = keys.each("attention_head_dim", count, most=MAX_WIDTH)  # what diffusers takes as a number of heads
    context = keys.each("cross_attention_dim", count, most=MAX_WIDTH)
    depths = _depths(keys, "transformer_layers_per_block", keys.content.get("transformer_layers_per_block"), count)
    only = keys.content.get("only_cross_attention")
    flags = only if isinstance(only, list | tuple) else [only] * count
    if len(flags) != count or not all(isinstance(one, bool) for one in flags):
        raise keys.wrong("only_cross_attention", only, f"true, false, or {count} of them")
    return [_Level(*fields) for fields in zip(channels, layers, heads, context, depths, map(bool, flags), strict=True)]


def _depths(keys: Keys, key: str, value: object, count: int) -> list[tuple[int, ...]]:
    """Transformer blocks by level, and in a level one number or one an attention."""
    several = list(value) if isinstance(value, list | tuple) else [value] * count
    read = [tuple(one) if isinstance(one, list | tuple) else (one,) for one in several]
    numbers = [number for one in read for number in one]
    if len(read) != count or not all(read) or not all(_is_depth(number) for number in numbers):
        raise keys.wrong(key, value, f"a whole number from 1 to {MAX_LAYERS}, or {count} of them")
    return read


def _is_depth(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_LAYERS


def _reversed_depths(keys: Keys, levels: list[_Level]) -> list[tuple[int, ...]]:
    key = "reverse_transformer_layers_per_block"
    stated = keys.content.get(key)
    if stated is None:
        return [level.depth for level in reversed(levels)]
    return _depths(keys, key, stated, len(levels))


def _time(keys: Keys, first: int) -> int:
    return keys.whole_or_none("time_embedding_dim", most=MAX_WIDTH) or TIME_WIDTHS * first
