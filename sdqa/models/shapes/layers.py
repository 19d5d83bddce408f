"""The layers that Stable Diffusion's networks are made of, by the shapes of their tensors."""

from __future__ import annotations

from dataclasses import dataclass, field

from sdqa.models.configuration import MAX_CHANNELS
from sdqa.models.keys import Keys

Shape = tuple[int, ...]

MAX_BLOCKS, MAX_LAYERS, MAX_KERNEL = 16, 64, 63
"""What no model comes near: more is a garbled file, and would be asked of the memory."""
GATED = 2
"""A gated feed-forward layer computes a value and a gate."""
FEED_FORWARD = 4
"""Its inner width, in widths of the transformer."""


@dataclass
class Tensors:
    """Shapes by name, as they are collected."""

    keys: Keys
    """The configuration that asks for them."""
    groups: int = 1
    """Of every normalisation by groups."""
    shapes: dict[str, Shape] = field(default_factory=dict)

    def affine(self, name: str, shape: Shape, *, bias: bool = True) -> None:
        """A weight, and a bias of its first size."""
        self.shapes[f"{name}.weight"] = shape
        if bias:
            self.shapes[f"{name}.bias"] = shape[:1]

    def norm(self, name: str, channels: int) -> None:
        """A normalisation by groups.

        Raises:
            ModelError: the groups do not divide the channels.
        """
        if channels % self.groups:
            allowed = f"a divisor of {channels}, the channels of {name}"
            raise self.keys.wrong("norm_num_groups", self.groups, allowed)
        self.affine(name, (channels,))

    def conv(self, name: str, out: int, into: int, kernel: int = 3) -> None:
        """A convolution with a square kernel."""
        self.affine(name, (out, into, kernel, kernel))

    def resnet(self, name: str, into: int, out: int, *, time: int = 0) -> None:
        """A residual block.

        Args:
            time: width of the timestep's embedding; 0 where it takes none.
        """
        self.norm(f"{name}.norm1", into)
        self.conv(f"{name}.conv1", out, into)
        self.norm(f"{name}.norm2", out)
        self.conv(f"{name}.conv2", out, out)
        if time:
            rows = (
                out if self.keys.word("resnet_time_scale_shift", ("default", "scale_shift")) == "default" else 2 * out
            )
            self.affine(f"{name}.time_emb_proj", (rows, time))
        if into != out:
            self.conv(f"{name}.conv_shortcut", out, into, 1)

    def attention(self, name: str, channels: int, inner: int, context: int, *, bias: bool = False) -> None:
        """Queries of `channels`, keys and values of `context`, both `inner` wide."""
        self.affine(f"{name}.to_q", (inner, channels), bias=bias)
        self.affine(f"{name}.to_k", (inner, context), bias=bias)
        self.affine(f"{name}.to_v", (inner, context), bias=bias)
        self.affine(f"{name}.to_out.0", (channels, inner))


def wholes_of_count(keys: Keys, key: str, count: int, of: str) -> Shape:
    """A list of widths, as many as there are blocks.

    Raises:
        ModelError: there are more or fewer.
    """
    value = keys.wholes(key, most=MAX_CHANNELS)
    if len(value) != count:
        raise keys.wrong(key, list(value), f"{count} numbers, as many as {of}")
    return value
