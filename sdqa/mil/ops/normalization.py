"""Normalisations. Source: coremltools' definitions iOS15 and iOS17 `normalization`."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from sdqa.mil.arguments import Argument, as_float, as_int, as_ints, as_tensor
from sdqa.mil.registry import op


@op("batch_norm")
def batch_norm(
    x: torch.Tensor,
    mean: Argument,
    variance: Argument,
    gamma: Argument = None,
    beta: Argument = None,
    epsilon: Argument = 1e-5,
) -> torch.Tensor:
    """gamma · (x - mean) / sqrt(variance + epsilon) + beta, all four [C] along axis 1 of x [n, C, *D]."""
    statistics = (_like(mean, x), _like(variance, x), _optional(gamma, x), _optional(beta, x))
    return F.batch_norm(x, *statistics, training=False, eps=as_float(epsilon))


@op("instance_norm")
def instance_norm(
    x: torch.Tensor, gamma: Argument = None, beta: Argument = None, epsilon: Argument = 1e-5
) -> torch.Tensor:
    """x [n, C, *D] normalised over *D per sample and channel; gamma and beta [C]."""
    # one group per channel; torch.instance_norm would refuse a single spatial element
    return torch.group_norm(x, x.shape[1], _optional(gamma, x), _optional(beta, x), as_float(epsilon))


@op("layer_norm")
def layer_norm(
    x: torch.Tensor,
    axes: Argument = None,
    gamma: Argument = None,
    beta: Argument = None,
    epsilon: Argument = 1e-5,
) -> torch.Tensor:
    """x normalised over `axes` (default all); gamma and beta have the shape of those axes, in ascending order."""
    rank = x.dim()
    chosen = sorted(axis % rank for axis in as_ints(axes)) if axes is not None else list(range(rank))
    if len(set(chosen)) != len(chosen):
        raise ValueError(f"layer_norm over repeated axes {as_ints(axes)}")
    if not chosen:
        return x
    order = [axis for axis in range(rank) if axis not in chosen] + chosen
    moved = order != list(range(rank))
    data = x.permute(order) if moved else x
    result = F.layer_norm(
        data, data.shape[rank - len(chosen) :], _optional(gamma, x), _optional(beta, x), as_float(epsilon)
    )
    return result.permute([order.index(axis) for axis in range(rank)]) if moved else result


@op("l2_norm")
def l2_norm(x: torch.Tensor, epsilon: Argument = 1e-6) -> torch.Tensor:
    """x / sqrt(Σ x² + epsilon), summed over the last three dimensions."""
    if x.dim() < 3:
        raise ValueError(f"l2_norm takes at least three dimensions, got shape {tuple(x.shape)}")
    return x / torch.sqrt(x.square().sum((-3, -2, -1), keepdim=True) + as_float(epsilon))


@op("local_response_norm")
def local_response_norm(
    x: torch.Tensor, size: Argument, alpha: Argument = 1e-4, beta: Argument = 0.75, k: Argument = 1.0
) -> torch.Tensor:
    """x / (k + alpha / size · Σ x²)^beta, summed over `size` neighbouring channels.

    Channels lie along the third axis from the end: in [n, C, H, W] that is the second. In [n, C, L] it is the first,
    which MIL's definition does not say but coremltools' test with fixed expectations shows.
    """
    if x.dim() < 3:
        raise ValueError(f"local_response_norm takes at least three dimensions, got shape {tuple(x.shape)}")
    images = x.reshape(-1, *x.shape[-3:])
    return F.local_response_norm(images, as_int(size), as_float(alpha), as_float(beta), as_float(k)).reshape(x.shape)


def _like(value: Argument, x: torch.Tensor) -> torch.Tensor:
    return as_tensor(value).to(x.dtype)


def _optional(value: Argument, x: torch.Tensor) -> torch.Tensor | None:
    return None if value is None else _like(value, x)
