"""Attention in the Neural Engine's layout: channels first, 1×1 convolutions, one small matrix product per head.

`split_einsum` keeps tensors as (B, C, 1, S) all the way, so that nothing is transposed or reshaped in a transformer
block; `split_einsum_v2` also cuts the queries into chunks, so that the attention weights of one product stay small.
Both compute what diffusers' modules compute (within 1e-4 in fp32) and share the storage of their parameters.

Source: "Deploying Transformers on the Apple Neural Engine" (Apple, 2022) and the attention of
apple/ml-stable-diffusion, which drops the queries beyond the last whole chunk; here they are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sdqa.errors import ConversionError
from sdqa.plan.variant import Attention

_OTHER_FORMS = ("norm_cross", "group_norm", "spatial_norm", "norm_q", "norm_k", "residual_connection", "add_k_proj")
"""Of diffusers' `Attention`: what would compute something else here, without an error."""
QUERY_CHUNK = 512
"""Queries in one product of `split_einsum_v2`."""


@contextmanager
def attention_layout(unet: Any, kind: Attention, *, chunk: int = QUERY_CHUNK) -> Iterator[None]:
    """Replace the transformers of a diffusers U-Net while the context lasts; parameters are shared, not copied.

    The replaced U-Net takes `encoder_hidden_states` as (B, D, 1, S).

    Raises:
        ConversionError: a transformer has a part that the layout does not know.
    """
    if kind == "original":
        yield
        return
    replaced: list[tuple[nn.ModuleList, int, nn.Module]] = []
    try:
        for module in list(unet.modules()):
            attentions = getattr(module, "attentions", None)
            if not isinstance(attentions, nn.ModuleList):
                continue
            for index, transformer in enumerate(attentions):
                replaced.append((attentions, index, transformer))
                attentions[index] = ChannelsFirstTransformer(transformer, chunk if kind == "split_einsum_v2" else None)
        yield
    finally:
        for attentions, index, transformer in replaced:
            attentions[index] = transformer


class ChannelsFirstTransformer(nn.Module):
    """diffusers' `Transformer2DModel` for images, in (B, C, 1, S)."""

    def __init__(self, source: Any, chunk: int | None) -> None:
        super().__init__()
        self.norm = source.norm
        self.proj_in = as_convolution(source.proj_in)
        self.transformer_blocks = nn.ModuleList(ChannelsFirstBlock(block, chunk) for block in source.transformer_blocks)
        self.proj_out = as_convolution(source.proj_out)

    def forward(self, hidden_states: Tensor, encoder_hidden_states: Tensor, **_options: Any) -> tuple[Tensor]:
        """(B, C, h, w) and text (B, D, 1, S) to (B, C, h, w), in the tuple that diffusers' blocks unpack."""
        batch, _, height, width = hidden_states.shape
        states = self.proj_in(self.norm(hidden_states))
        channels = states.shape[1]
        states = states.reshape(batch, channels, 1, height * width)
        for block in self.transformer_blocks:
            states = block(states, encoder_hidden_states)
        states = states.reshape(batch, channels, height, width)
        return (self.proj_out(states) + hidden_states,)


class ChannelsFirstBlock(nn.Module):
    """diffusers' `BasicTransformerBlock`: self-attention, cross-attention, GEGLU feed-forward, each with a residual."""

    def __init__(self, source: Any, chunk: int | None) -> None:
        super().__init__()
        if type(source.ff.net[0]).__name__ != "GEGLU" or source.norm_type != "layer_norm":
            raise ConversionError(
                f"a transformer block with {type(source.ff.net[0]).__name__} and {source.norm_type} has no "
                "channels-first form",
                hint='use attention = "original"',
            )
        self.norm1 = ChannelsFirstLayerNorm(source.norm1)
        self.attn1 = SplitAttention(source.attn1, chunk)
        self.norm2 = ChannelsFirstLayerNorm(source.norm2)
        self.attn2 = SplitAttention(source.attn2, chunk)
        self.norm3 = ChannelsFirstLayerNorm(source.norm3)
        self.ff = ChannelsFirstFeedForward(source.ff)

    def forward(self, states: Tensor, context: Tensor) -> Tensor:
        normed = self.norm1(states)
        states = self.attn1(normed, normed) + states
        states = self.attn2(self.norm2(states), context) + states
        return self.ff(self.norm3(states)) + states  # type: ignore[no-any-return]


class ChannelsFirstLayerNorm(nn.Module):
    """Layer norm over axis 1 of (B, C, 1, S)."""

    def __init__(self, source: nn.LayerNorm) -> None:
        super().__init__()
        self.weight, self.bias = source.weight, source.bias
        self.eps = source.eps

    def forward(self, states: Tensor) -> Tensor:
        centred = states - states.mean(dim=1, keepdim=True)
        scale = (centred.square().mean(dim=1, keepdim=True) + self.eps).rsqrt()
        return centred * scale * self.weight.reshape(1, -1, 1, 1) + self.bias.reshape(1, -1, 1, 1)


class ChannelsFirstFeedForward(nn.Module):
    """GEGLU and a projection, as 1×1 convolutions. The containers keep diffusers' parameter names."""

    def __init__(self, source: Any) -> None:
        super().__init__()
        gate = nn.ModuleDict({"proj": as_convolution(source.net[0].proj)})
        # positions 0 and 2 as in diffusers, where 1 is dropout
        self.net = nn.ModuleList([gate, nn.Identity(), as_convolution(source.net[2])])

    def forward(self, states: Tensor) -> Tensor:
        project: Any = self.net[0]
        value, gate = project["proj"](states).chunk(2, dim=1)
        return self.net[2](value * functional.gelu(gate))  # type: ignore[no-any-return]


class SplitAttention(nn.Module):
    """Multi-head attention, head by head and, with `chunk`, query chunk by query chunk."""

    def __init__(self, source: Any, chunk: int | None) -> None:
        super().__init__()
        unknown = [name for name in _OTHER_FORMS if getattr(source, name, None)]
        if unknown:
            raise ConversionError(
                f"attention with {', '.join(unknown)} has no channels-first form", hint='use attention = "original"'
            )
        self.heads, self.scale, self.chunk = source.heads, source.scale, chunk
        self.to_q = as_convolution(source.to_q)
        self.to_k = as_convolution(source.to_k)
        self.to_v = as_convolution(source.to_v)
        self.to_out = nn.ModuleList([as_convolution(source.to_out[0])])

    def forward(self, states: Tensor, context: Tensor) -> Tensor:
        """(B, C, 1, Q) and (B, D, 1, K) to (B, C, 1, Q)."""
        query, value = self.to_q(states), self.to_v(context)
        key = self.to_k(context).transpose(1, 3)
        width = query.shape[1] // self.heads
        results = []
        for head in range(self.heads):
            part = slice(head * width, (head + 1) * width)
            results.append(self._attend(query[:, part], key[..., part], value[:, part]))
        return self.to_out[0](torch.cat(results, dim=1))  # type: ignore[no-any-return]

    def _attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """One head: query (B, c, 1, Q), key (B, K, 1, c), value (B, c, 1, K) to (B, c, 1, Q)."""
        length = query.shape[3]
        step = self.chunk or length
        pieces = []
        for start in range(0, length, step):
            piece = query[..., start : min(start + step, length)]
            scores = torch.einsum("bchq,bkhc->bkhq", piece, key) * self.scale
            pieces.append(torch.einsum("bkhq,bchk->bchq", scores.softmax(dim=1), value))
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces, dim=3)


def as_convolution(source: Any) -> nn.Module:
    """A linear layer as a 1×1 convolution on the same storage; a 1×1 convolution as it is."""
    if isinstance(source, nn.Conv2d):
        return source
    convolution = nn.Conv2d(source.in_features, source.out_features, 1, bias=source.bias is not None, device="meta")
    weight = source.weight.detach().reshape(source.out_features, source.in_features, 1, 1)
    convolution.weight = nn.Parameter(weight, requires_grad=False)
    if source.bias is not None:
        convolution.bias = nn.Parameter(source.bias.detach(), requires_grad=False)
    return convolution.eval()
