"""What fused nodes compute, and when they decline in favour of the operations they stand for.

Between the operations of a group, declared fp16 rounds, overflows above 65504 and loses precision below 6e-5. A fused
operation skips the roundings, which only brings it closer to exact arithmetic; but overflow and underflow are faults a
program really has, and must show. Each function therefore proves from cheap bounds that neither can occur, or executes
the literal operations (`context.blocks[0]`).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from sdqa.mil.arguments import Argument, as_bool, as_float, as_int, as_ints, as_tensor
from sdqa.mil.registry import Context, Operation

SAFE_DEVIATION = 250.0
"""Squares of larger deviations overflow fp16."""
SAFE_VARIANCE = 2.0**-10
"""Smaller variances lose precision in fp16, whose normal numbers end at 2⁻¹⁴."""
SAFE_SCORE = 60_000.0
SAFE_MASK = -10_000.0
"""Where a row is masked below this throughout, adding scores may overflow to -inf in fp16, and its softmax is NaN."""


def group_norm(
    x: torch.Tensor,
    groups: Argument,
    epsilon: Argument,
    half: Argument,
    context: Context,
    mean: Argument = None,
    variance: Argument = None,
    gamma: Argument = None,
    beta: Argument = None,
    affine_epsilon: Argument = 0.0,
) -> torch.Tensor:
    """x [N, C, *D] normalised per sample and group, then mapped along channels as batch_norm does."""
    samples, channels = x.shape[:2]
    weight, bias = _affine(channels, mean, variance, gamma, beta, as_float(affine_epsilon))
    size, count = x[0, 0].numel(), as_int(groups)
    x = _plainly_strided(x)
    y, center, rstd = torch.native_group_norm(x, weight, bias, samples, channels, size, count, as_float(epsilon))
    if as_bool(half) and not _within_half(x, center, rstd, size * channels // count, as_float(epsilon)):
        return _literal(context)
    return y


def _plainly_strided(x: torch.Tensor) -> torch.Tensor:
    """The same values, contiguous or channels last; the strides of axes of size one are regular too, as torch wants."""
    if x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last):
        _, channels, height, width = x.shape
        return x.as_strided(x.shape, (height * width * channels, 1, width * channels, channels))
    return x.contiguous()


def _affine(
    channels: int, mean: Argument, variance: Argument, gamma: Argument, beta: Argument, epsilon: float
) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """Scale and shift for each channel."""
    if gamma is None and beta is None and variance is None:
        return None, None
    scale = torch.ones(channels) if gamma is None else as_tensor(gamma).float().reshape(-1)
    shift = torch.zeros(channels) if beta is None else as_tensor(beta).float().reshape(-1)
    if variance is not None and mean is not None:
        scale = scale / torch.sqrt(as_tensor(variance).float() + epsilon)
        shift = shift - as_tensor(mean).float() * scale
    return scale, shift


def _within_half(x: torch.Tensor, center: torch.Tensor, rstd: torch.Tensor, count: int, epsilon: float) -> bool:
    """Whether the squares and the variances of a normalisation are sound in fp16."""
    variance = rstd.double().pow(-2) - epsilon
    low, high = float(variance.min()), float(variance.max())
    if not low >= SAFE_VARIANCE:
        return False
    if count * high <= SAFE_DEVIATION**2:  # no deviation exceeds the root of their squares' sum
        return True
    least, most = torch.aminmax(x)
    offset = float(center.abs().max())
    return max(-float(least), float(most)) + offset <= SAFE_DEVIATION


def normalise(x: torch.Tensor, axes: Argument, epsilon: Argument, half: Argument, context: Context) -> torch.Tensor:
    """(x - mean) / sqrt(variance + epsilon) over the axes."""
    chosen, small = as_ints(axes), as_float(epsilon)
    if chosen == list(range(x.dim() - len(chosen), x.dim())):
        y, center, rstd = torch.native_layer_norm(x, x.shape[x.dim() - len(chosen) :], None, None, small)
    else:
        variance, center = torch.var_mean(x, chosen, correction=0, keepdim=True)
        rstd = torch.rsqrt(variance + small)
        y = (x - center).mul_(rstd)
    count = x.numel() // max(rstd.numel(), 1)
    if as_bool(half) and not _within_half(x, center, rstd, count, small):
        return _literal(context)
    return y


def attention(
    query: Argument,
    key: Argument,
    value: Argument,
    scale: Argument,
    key_transposed: Argument,
    half: Argument,
    context: Context,
    mask: Argument = None,
) -> torch.Tensor:
    """softmax(scale · Q Kᵀ + mask) V, for Q [..., L, E], K [..., S, E] (or transposed), V [..., S, V]."""
    query, key, value = as_tensor(query), as_tensor(key), as_tensor(value)
    if as_bool(key_transposed):
        key = key.transpose(-1, -2)
    added = None if mask is None else as_tensor(mask)
    if added is not None and not (added.dtype.is_floating_point and float(added.amax(dim=-1).min()) >= SAFE_MASK):
        return _literal(context)
    if as_bool(half):
        if query.shape[-2] == 1:  # a decoder's token: the proof reads all keys, as the product itself does
            return _literal(context)
        largest = torch.linalg.vector_norm(query, dim=-1).amax() * torch.linalg.vector_norm(key, dim=-1).amax()
        if not float(largest) * max(1.0, abs(as_float(scale))) <= SAFE_SCORE:
            return _literal(context)
    extra = query.dim() == 3
    if extra:
        query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
        added = added.unsqueeze(1) if added is not None and added.dim() == 3 else added
    if added is not None and added.dim() not in (2, 4):
        added = added.reshape((1,) * (4 - added.dim()) + tuple(added.shape))
    result = F.scaled_dot_product_attention(query, key, value, attn_mask=added, scale=as_float(scale))
    return result.squeeze(1) if extra else result


def silu(x: torch.Tensor, factor: Argument, half: Argument) -> torch.Tensor:  # noqa: ARG001  always fp32
    """x · sigmoid(factor · x)."""
    slope = as_float(factor)
    return F.silu(x) if slope == 1.0 else torch.sigmoid(x * slope).mul_(x)


def _literal(context: Context) -> torch.Tensor:
    result: torch.Tensor = context.blocks[0](())[0]
    return result


FUSED = {
    f"fused.{function.__name__}": Operation(f"fused.{function.__name__}", function, wants_context=function is not silu)
    for function in (group_norm, normalise, attention, silu)
}
"""By the type of the node; apart from the registry, so that no package can name them."""
