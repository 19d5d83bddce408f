"""Sampling of images at computed positions. Source: coremltools' definitions iOS15 to iOS17 `image_resizing`."""

from __future__ import annotations

import torch

from sdqa.mil.arguments import Argument, as_bool, as_float, as_int, as_str, as_tensor
from sdqa.mil.ops.resize import grid
from sdqa.mil.registry import op


def _pixels(coordinates: torch.Tensor, size: int, mode: str, *, align_corners: bool) -> torch.Tensor:
    """Positions in pixels along one axis, 0 being the centre of the first."""
    if mode == "unnormalized":
        return coordinates
    if mode == "normalized_minus_one_to_one":
        unit = (coordinates + 1) / 2
    elif mode == "normalized_zero_to_one":
        unit = coordinates
    else:
        raise ValueError(f"unknown coordinates_mode {mode!r}")
    return unit * (size - 1) if align_corners else unit * size - 0.5


def _reflected(places: torch.Tensor, low: float, span: float) -> torch.Tensor:
    """Positions folded back into [low, low + span]."""
    if span <= 0:
        return torch.full_like(places, low)
    offset = (places - low).abs()
    rest, flips = torch.fmod(offset, span), torch.floor(offset / span)
    return torch.where(flips.remainder(2) == 0, rest, span - rest) + low


def _bounded(places: torch.Tensor, size: int, padding_mode: str) -> torch.Tensor:
    """Positions brought inside the image, unless the padding is a constant."""
    if padding_mode == "constant":
        return places
    if padding_mode == "reflection":
        places = _reflected(places, 0, size - 1)
    elif padding_mode == "symmetric":
        places = _reflected(places, -0.5, size)
    elif padding_mode != "border":
        raise ValueError(f"unknown padding_mode {padding_mode!r}")
    return places.clamp(0, size - 1)


def _read(x: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor, padding: float) -> torch.Tensor:
    """x [B, C, H, W] at integer positions [B, h, w] → [B, C, h, w]; `padding` outside."""
    height, width = x.shape[-2:]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    linear = rows.clamp(0, height - 1).long() * width + columns.clamp(0, width - 1).long()
    index = linear.flatten(1).unsqueeze(1).expand(-1, x.shape[1], -1)
    values = x.flatten(2).gather(2, index).reshape(*x.shape[:2], *rows.shape[1:])
    return torch.where(inside.unsqueeze(1), values, torch.as_tensor(padding, dtype=x.dtype))


def _sample(
    x: torch.Tensor, across: torch.Tensor, down: torch.Tensor, sampling_mode: str, padding_mode: str, padding: float
) -> torch.Tensor:
    """x [B, C, H, W] at positions in pixels [B, h, w], nearest (halves to even) or bilinear."""
    columns = _bounded(across, x.shape[-1], padding_mode)
    rows = _bounded(down, x.shape[-2], padding_mode)
    if sampling_mode == "nearest":
        return _read(x, rows.round(), columns.round(), padding)
    if sampling_mode != "bilinear":
        raise ValueError(f"unknown sampling_mode {sampling_mode!r}")
    left, top = columns.floor(), rows.floor()
    right_share, low_share = ((columns - left).unsqueeze(1), (rows - top).unsqueeze(1))
    upper = torch.lerp(_read(x, top, left, padding), _read(x, top, left + 1, padding), right_share.to(x.dtype))
    lower = torch.lerp(_read(x, top + 1, left, padding), _read(x, top + 1, left + 1, padding), right_share.to(x.dtype))
    return torch.lerp(upper, lower, low_share.to(x.dtype))


@op("resample")
def resample(
    x: torch.Tensor,
    coordinates: Argument,
    sampling_mode: Argument,
    padding_mode: Argument,
    padding_value: Argument,
    coordinates_mode: Argument,
    align_corners: Argument,
) -> torch.Tensor:
    """x [B, C, H, W] at coordinates [B, h, w, 2], given as (across, down), → [B, C, h, w].

    `reflection` folds at the centres of the border pixels, `symmetric` at their outer edges.
    """
    places, mode, aligned = as_tensor(coordinates).float(), as_str(coordinates_mode).lower(), as_bool(align_corners)
    across = _pixels(places[..., 0], x.shape[-1], mode, align_corners=aligned)
    down = _pixels(places[..., 1], x.shape[-2], mode, align_corners=aligned)
    return _sample(x, across, down, as_str(sampling_mode), as_str(padding_mode), as_float(padding_value))


@op("affine")
def affine(
    x: torch.Tensor,
    transform_matrix: Argument,
    output_height: Argument,
    output_width: Argument,
    sampling_mode: Argument,
    padding_mode: Argument,
    padding_value: Argument,
    coordinates_mode: Argument,
    align_corners: Argument,
) -> torch.Tensor:
    """x [B, C, H, W] sampled at (a0·u + a1·v + a2, b0·u + b1·v + b2), for u across and v down a regular grid.

    `transform_matrix` is [B or 1, 6]: a0, a1, a2, b0, b1, b2. The grid spans the coordinates that `coordinates_mode`
    gives to the output's own corner pixels.
    """
    mode, aligned = as_str(coordinates_mode).lower(), as_bool(align_corners)
    matrix = as_tensor(transform_matrix).float().expand(x.shape[0], 6).reshape(-1, 2, 3)
    u = _regular(as_int(output_width), mode, align_corners=aligned)
    v = _regular(as_int(output_height), mode, align_corners=aligned)
    points = torch.stack([u.expand(len(v), -1), v.unsqueeze(1).expand(-1, len(u)), torch.ones(len(v), len(u))])
    places = torch.einsum("bij,jhw->bihw", matrix, points)
    across = _pixels(places[:, 0], x.shape[-1], mode, align_corners=aligned)
    down = _pixels(places[:, 1], x.shape[-2], mode, align_corners=aligned)
    return _sample(x, across, down, as_str(sampling_mode), as_str(padding_mode), as_float(padding_value))


def _regular(count: int, mode: str, *, align_corners: bool) -> torch.Tensor:
    """The coordinates of `count` pixels in their own image; a single aligned pixel lies in the middle."""
    place = torch.arange(count, dtype=torch.float32)
    if mode == "unnormalized":
        return place
    if align_corners:
        unit = place / (count - 1) if count > 1 else torch.full_like(place, 0.5)
    else:
        unit = (place + 0.5) / count
    return unit * 2 - 1 if mode == "normalized_minus_one_to_one" else unit


_CORNERS = ("CORNERS_HEIGHT_FIRST", "CORNERS_WIDTH_FIRST")
_CENTERS = ("CENTER_SIZE_HEIGHT_FIRST", "CENTER_SIZE_WIDTH_FIRST")


@op("crop_resize")
def crop_resize(
    x: torch.Tensor,
    roi: Argument = None,
    boxes: Argument = None,
    box_indices: Argument = None,
    target_height: Argument = 1,
    target_width: Argument = 1,
    normalized_coordinates: Argument = False,
    spatial_scale: Argument = 1.0,
    box_coordinate_mode: Argument = "CORNERS_HEIGHT_FIRST",
    sampling_mode: Argument = "DEFAULT",
    pad_value: Argument = 0.0,
) -> torch.Tensor:
    """Boxes cut out of x [B, C, H, W] and resized bilinearly; positions outside the image read `pad_value`.

    iOS15, iOS16: `roi` [N, 1, 4, 1, 1] crops every image, → [N, B, C, h, w]; [N, 1, 5, 1, 1] starts with the image's
    index, → [N, 1, C, h, w]. iOS17: `boxes` [N, 4] and `box_indices` [N] (default 0, 1, …), → [N, C, h, w].
    Coordinates are pixel centres, or fractions of the distance between the first and the last; a box given by centre
    and size extends half its size to either side.
    """
    if boxes is None:
        numbers = as_tensor(roi).float().reshape(-1, as_tensor(roi).shape[2])
        everywhere = numbers.shape[1] == 4
        owners = [range(x.shape[0])] * len(numbers) if everywhere else [[int(row[0])] for row in numbers]
        numbers = numbers[:, -4:]
    else:
        numbers = as_tensor(boxes).float()
        indices = as_tensor(box_indices).tolist() if box_indices is not None else list(range(len(numbers)))
        owners = [[int(index)] for index in indices]
    if any(not 0 <= index < x.shape[0] for indices in owners for index in indices):
        raise IndexError(f"a box refers to an image outside the batch of {x.shape[0]}")
    starts, ends = _corners(numbers * as_float(spatial_scale), as_str(box_coordinate_mode))
    if as_bool(normalized_coordinates):
        extent = torch.tensor([x.shape[-2] - 1.0, x.shape[-1] - 1.0])
        starts, ends = starts * extent, ends * extent
    sizes = (as_int(target_height), as_int(target_width))
    mode, padding = as_str(sampling_mode), as_float(pad_value)
    crops = [
        _crop(x[list(images)], start, end, sizes, mode, padding)
        for images, start, end in zip(owners, starts, ends, strict=True)
    ]
    empty = x.new_zeros(0, 1, x.shape[1], *sizes)
    result = torch.stack(crops) if crops else empty
    return result if boxes is None else result.squeeze(1)


def _corners(boxes: torch.Tensor, mode: str) -> tuple[torch.Tensor, torch.Tensor]:
    """(row, column) of the first and of the last corner of each box [N, 4]."""
    if mode not in _CORNERS + _CENTERS:
        raise ValueError(f"unknown box_coordinate_mode {mode!r}")
    first, second = boxes[:, :2], boxes[:, 2:]
    if mode.endswith("WIDTH_FIRST"):
        first, second = first.flip(1), second.flip(1)
    return (first, second) if mode in _CORNERS else (first - second / 2, first + second / 2)


def _crop(
    images: torch.Tensor, start: torch.Tensor, end: torch.Tensor, sizes: tuple[int, int], mode: str, padding: float
) -> torch.Tensor:
    """One box of images [B, C, H, W] → [B, C, h, w], one axis after the other."""
    inside = torch.ones(sizes, dtype=torch.bool)
    for axis, count in enumerate(sizes):
        extent = float(end[axis] - start[axis])
        low, high = min(0.0, extent), max(0.0, extent)
        places = float(start[axis]) + grid(mode, extent + 1, count).clamp(low, high)
        size = images.shape[2 + axis]
        valid = (places >= 0) & (places <= size - 1)
        inside &= valid.unsqueeze(1 - axis)
        places = places.clamp(0, size - 1)
        near = places.floor().long()
        share = (places - near).to(images.dtype).unsqueeze(1 - axis)
        far = (near + 1).clamp(max=size - 1)
        images = torch.lerp(images.index_select(2 + axis, near), images.index_select(2 + axis, far), share)
    return torch.where(inside, images, torch.as_tensor(padding, dtype=images.dtype))
