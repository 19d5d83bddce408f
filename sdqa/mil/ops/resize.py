"""Resizing of the last dimensions. Source: coremltools' definitions iOS15 to iOS17 `image_resizing`.

Every mode is a formula for the positions in the input at which the output is sampled; linear interpolation between the
two neighbours of a position, or the nearest one.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from sdqa.mil.arguments import Argument, as_bool, as_float, as_int, as_ints, as_str, as_tensor
from sdqa.mil.registry import op

SAMPLING_MODES = ("DEFAULT", "STRICT_ALIGN_CORNERS", "ALIGN_CORNERS", "OFFSET_CORNERS", "UNALIGN_CORNERS")


def grid(mode: str, size: torch.Tensor | float, count: int) -> torch.Tensor:
    """Sampling positions in [0, size - 1], float64 [*, count].

    Args:
        mode: one of SAMPLING_MODES.
        size: the length of the interval that is sampled; several ([*, 1]) for several intervals.
        count: how many positions.
    """
    extent = torch.as_tensor(size, dtype=torch.float64)
    place = torch.arange(count, dtype=torch.float64)
    if mode in ("STRICT_ALIGN_CORNERS", "ALIGN_CORNERS"):
        if count == 1:
            return (extent - 1) / 2 * torch.ones(1) if mode == "ALIGN_CORNERS" else extent * torch.zeros(1)
        return place * ((extent - 1) / (count - 1))
    if mode == "DEFAULT":
        return place * (extent / count)
    if mode == "OFFSET_CORNERS":
        return (place + 0.5) * (torch.clamp(extent - 1, min=1) / count)
    if mode == "UNALIGN_CORNERS":
        return (place + 0.5) * (extent / count) - 0.5
    raise ValueError(f"unknown sampling mode {mode!r}")


def _sampled(x: torch.Tensor, axis: int, count: int, mode: str) -> torch.Tensor:
    """x resized to `count` elements along one axis, linearly."""
    size = x.shape[axis]
    if count < 1 or size < 1:
        raise ValueError(f"cannot resize {size} elements to {count}")
    if count == size and mode != "OFFSET_CORNERS":
        return x
    places = grid(mode, size, count).clamp(0, size - 1)
    low = places.floor().long()
    high = (low + 1).clamp(max=size - 1)
    weight = (places - low).to(x.dtype).reshape([-1 if i == axis % x.dim() else 1 for i in range(x.dim())])
    return torch.lerp(x.index_select(axis, low), x.index_select(axis, high), weight)


def _chosen(x: torch.Tensor, axis: int, count: int, mode: str) -> torch.Tensor:
    """x resized to `count` elements along one axis, each the nearest.

    DEFAULT takes the element that the output's centre falls on, floor((i + 0.5) · size / count): coremltools' tests
    show it, and its TensorFlow frontend writes resizing with half-pixel centres this way.
    """
    size = x.shape[axis]
    if count < 1 or size < 1:
        raise ValueError(f"cannot resize {size} elements to {count}")
    places = grid("UNALIGN_CORNERS" if mode == "DEFAULT" else mode, size, count)
    return x.index_select(axis, torch.floor(places + 0.5).long().clamp(0, size - 1))


def _linear(x: torch.Tensor, height: int, width: int, mode: str) -> torch.Tensor:
    if x.dim() < 3:
        raise ValueError(f"resizing takes at least three dimensions, got shape {tuple(x.shape)}")
    return _sampled(_sampled(x, -2, height, mode), -1, width, mode)


def _scaled(x: torch.Tensor, scale_height: Argument, scale_width: Argument) -> tuple[int, int]:
    """floor(size · scale); the scale is an fp32 that may lie just below the fraction that was meant."""
    return tuple(  # type: ignore[return-value]
        math.floor(size * as_float(scale) + 1e-4)
        for size, scale in zip(x.shape[-2:], (scale_height, scale_width), strict=True)
    )


@op("upsample_nearest_neighbor", movement=True)
def upsample_nearest_neighbor(
    x: torch.Tensor, scale_factor_height: Argument = 1, scale_factor_width: Argument = 1
) -> torch.Tensor:
    """x [*, H, W] enlarged by factors, which need not be integers: element floor(i · size / count) at place i."""
    if x.dim() < 3:
        raise ValueError(f"resizing takes at least three dimensions, got shape {tuple(x.shape)}")
    sizes = _scaled(x, scale_factor_height, scale_factor_width)
    lead = x.shape[:-2]
    image = x if x.dim() == 4 else x.reshape(1, math.prod(lead), *x.shape[-2:])
    return F.interpolate(image, size=sizes, mode="nearest").reshape(*lead, *sizes)


@op("resize_nearest_neighbor", movement=True)
def resize_nearest_neighbor(x: torch.Tensor, target_size_height: Argument, target_size_width: Argument) -> torch.Tensor:
    """x [*, H, W] resized to a target size: element floor((i + 0.5) · size / count) at place i."""
    if x.dim() < 3:
        raise ValueError(f"resizing takes at least three dimensions, got shape {tuple(x.shape)}")
    rows = _chosen(x, -2, as_int(target_size_height), "DEFAULT")
    return _chosen(rows, -1, as_int(target_size_width), "DEFAULT")


@op("upsample_bilinear")
def upsample_bilinear(
    x: torch.Tensor,
    scale_factor_height: Argument = 1,
    scale_factor_width: Argument = 1,
    align_corners: Argument = True,
    half_pixel_centers: Argument = None,
) -> torch.Tensor:
    """x [*, H, W] enlarged by factors; positions follow from the sizes, not from the factors."""
    aligned = as_bool(align_corners)
    half = not aligned if half_pixel_centers is None else as_bool(half_pixel_centers)
    mode = "STRICT_ALIGN_CORNERS" if aligned else "UNALIGN_CORNERS" if half else "DEFAULT"
    return _linear(x, *_scaled(x, scale_factor_height, scale_factor_width), mode)


@op("resize_bilinear")
def resize_bilinear(
    x: torch.Tensor,
    target_size_height: Argument = 1,
    target_size_width: Argument = 1,
    sampling_mode: Argument = "DEFAULT",
) -> torch.Tensor:
    """x [*, H, W] resized to a target size."""
    return _linear(x, as_int(target_size_height), as_int(target_size_width), as_str(sampling_mode))


@op("resize")
def resize(
    x: torch.Tensor,
    shape: Argument,
    resized_dims: Argument,
    interpolation_mode: Argument = "LINEAR",
    sampling_mode: Argument = "DEFAULT",
) -> torch.Tensor:
    """x with its last `resized_dims` dimensions resized to the last of `shape` (0: as it is).

    NEAREST_NEIGHBOR takes the element closest to the position; see `_chosen` for DEFAULT.
    """
    kind, mode, count = as_str(interpolation_mode), as_str(sampling_mode), as_int(resized_dims)
    sizes = as_ints(shape)
    if kind not in ("LINEAR", "NEAREST_NEIGHBOR"):
        raise ValueError(f"resize has no interpolation mode {kind!r}")
    if not 0 <= count <= min(len(sizes), x.dim()):
        raise ValueError(f"{count} dimensions to resize of shape {tuple(x.shape)} to {sizes}")
    data = as_tensor(x)
    if kind == "LINEAR" and not data.dtype.is_floating_point:
        data = data.float()
    along = _sampled if kind == "LINEAR" else _chosen
    for axis, size in zip(range(-count, 0), sizes[len(sizes) - count :], strict=True):
        data = along(data, axis, size or data.shape[axis], mode)
    return data
