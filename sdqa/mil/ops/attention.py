"""Attention. Source: coremltools' definition iOS18 `transformers`."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from sdqa.mil.arguments import Argument, as_tensor
from sdqa.mil.ops.promotion import promote
from sdqa.mil.registry import op


@op("scaled_dot_product_attention")
def scaled_dot_product_attention(
    query: Argument, key: Argument, value: Argument, attn_mask: Argument = None
) -> torch.Tensor:
    """softmax(Q Kᵀ / sqrt(E) + mask) V.

    Args:
        query: [B, *, L, E].
        key: [B, *, S, E].
        value: [B, *, S, EV].
        attn_mask: broadcastable to [B, *, L, S]; added if floating-point, kept where True if bool.

    Returns:
        [B, *, L, EV].
    """
    query, key, value = promote(as_tensor(query), as_tensor(key), as_tensor(value))
    mask = None if attn_mask is None else as_tensor(attn_mask)
    if mask is not None and mask.dtype != torch.bool:
        mask = mask.to(query.dtype)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
