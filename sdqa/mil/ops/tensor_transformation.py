"""Changes of shape and order. Source: coremltools' definitions iOS15 to iOS17 `tensor_transformation`."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from sdqa.mil.arguments import Argument, as_bool, as_int, as_ints, as_tensor
from sdqa.mil.registry import op


@op("reshape", movement=True)
def reshape(x: Argument, shape: Argument) -> torch.Tensor:
    """x in a new shape; one -1 is inferred.

    A 0 takes over x's dimension at the same place, counted from the last (1 where there is none, as iOS17 defines).
    """
    data, sizes = as_tensor(x), as_ints(shape)
    for place in range(1, len(sizes) + 1):
        if sizes[-place] == 0:
            sizes[-place] = data.shape[-place] if place <= data.dim() else 1
    return data.reshape(sizes)


@op("reshape_like", movement=True)
def reshape_like(
    x: torch.Tensor, ref_tensors: list[Argument], begins: Argument, ends: Argument, end_masks: Argument
) -> torch.Tensor:
    """x in the shape put together from slices [begin:end] (or [begin:] where end_mask) of the references' shapes."""
    sizes: list[int] = []
    masks = [as_bool(mask) for mask in _each(end_masks)]
    for reference, begin, end, open_end in zip(ref_tensors, as_ints(begins), as_ints(ends), masks, strict=True):
        shape = as_tensor(reference).shape
        sizes += shape[begin:] if open_end else shape[begin:end]
    return x.reshape(sizes)


@op("transpose", movement=True)
def transpose(x: Argument, perm: Argument) -> torch.Tensor:
    """x with its axes in the order `perm`."""
    return as_tensor(x).permute(as_ints(perm))


@op("expand_dims", movement=True)
def expand_dims(x: Argument, axes: Argument) -> torch.Tensor:
    """x with new dimensions of size 1; axes count in the result."""
    data = as_tensor(x)
    chosen = as_ints(axes)
    rank = data.dim() + len(chosen)
    for axis in sorted(axis + rank if axis < 0 else axis for axis in chosen):
        data = data.unsqueeze(axis)
    return data


@op("squeeze", movement=True)
def squeeze(x: Argument, axes: Argument = None) -> torch.Tensor:
    """x without its dimensions of size 1, or those among `axes`; others are left as they are."""
    data = as_tensor(x)
    if axes is None:
        return data.squeeze()
    return data.squeeze(tuple(as_ints(axes)))


@op("flatten2d", movement=True)
def flatten2d(x: torch.Tensor, axis: Argument = 1) -> torch.Tensor:
    """x as a matrix: dimensions before `axis`, and the rest."""
    at = as_int(axis)
    return x.reshape(math.prod(x.shape[:at]), math.prod(x.shape[at:]))


@op("reverse", movement=True)
def reverse(x: torch.Tensor, axes: Argument = None) -> torch.Tensor:
    """x backwards along `axes` (default all)."""
    return torch.flip(x, as_ints(axes) if axes is not None else list(range(x.dim())))


@op("reverse_sequence", movement=True)
def reverse_sequence(
    x: torch.Tensor, lengths: Argument, seq_axis: Argument = 0, batch_axis: Argument = 0
) -> torch.Tensor:
    """The first lengths[i] elements along seq_axis backwards, for each i along batch_axis."""
    sequence, batch = as_int(seq_axis) % x.dim(), as_int(batch_axis) % x.dim()
    size = x.shape[sequence]
    counts = as_tensor(lengths).long().reshape(-1, 1)
    place = torch.arange(size).reshape(1, -1)
    source = torch.where(place < counts, counts - 1 - place, place)
    shape = [1] * x.dim()
    shape[batch], shape[sequence] = x.shape[batch], size
    source = source if batch < sequence else source.T
    return torch.take_along_dim(x, source.reshape(shape).expand(x.shape), sequence)


@op("depth_to_space", movement=True)
def depth_to_space(x: torch.Tensor, block_size: Argument) -> torch.Tensor:
    """[n, C, H, W] → [n, C / b², H·b, W·b]; the block index is the slowest part of the channel."""
    b = as_int(block_size)
    n, c, h, w = x.shape
    blocks = x.reshape(n, b, b, c // (b * b), h, w).permute(0, 3, 4, 1, 5, 2)
    return blocks.reshape(n, c // (b * b), h * b, w * b)


@op("space_to_depth", movement=True)
def space_to_depth(x: torch.Tensor, block_size: Argument) -> torch.Tensor:
    """[n, C, H, W] → [n, C·b², H / b, W / b]: the inverse of depth_to_space."""
    b = as_int(block_size)
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // b, b, w // b, b).permute(0, 3, 5, 1, 2, 4)
    return blocks.reshape(n, c * b * b, h // b, w // b)


@op("pixel_shuffle", movement=True)
def pixel_shuffle(x: torch.Tensor, upscale_factor: Argument) -> torch.Tensor:
    """[n, C·f², H, W] → [n, C, H·f, W·f]; the block index is the fastest part of the channel."""
    return F.pixel_shuffle(x, as_int(upscale_factor))


@op("pixel_unshuffle", movement=True)
def pixel_unshuffle(x: torch.Tensor, downscale_factor: Argument) -> torch.Tensor:
    """[n, C, H, W] → [n, C·f², H / f, W / f]: the inverse of pixel_shuffle."""
    return F.pixel_unshuffle(x, as_int(downscale_factor))


@op("space_to_batch", movement=True)
def space_to_batch(x: torch.Tensor, block_shape: Argument, paddings: Argument) -> torch.Tensor:
    """[n, C, H, W], zero-padded, cut into blocks [bh, bw] that move to the front of the batch."""
    bh, bw = as_ints(block_shape)
    top, bottom, left, right = as_ints(paddings)
    x = F.pad(x, [left, right, top, bottom])
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // bh, bh, w // bw, bw).permute(3, 5, 0, 1, 2, 4)
    return blocks.reshape(n * bh * bw, c, h // bh, w // bw)


@op("batch_to_space", movement=True)
def batch_to_space(x: torch.Tensor, block_shape: Argument, crops: Argument) -> torch.Tensor:
    """The inverse of space_to_batch: the batch's blocks [bh, bw] move back into space, which is then cropped."""
    bh, bw = as_ints(block_shape)
    top, bottom, left, right = as_ints(crops)
    n, c, h, w = x.shape
    blocks = x.reshape(bh, bw, n // (bh * bw), c, h, w).permute(2, 3, 4, 0, 5, 1)
    image = blocks.reshape(n // (bh * bw), c, h * bh, w * bw)
    return image[:, :, top : h * bh - bottom, left : w * bw - right]


@op("sliding_windows", movement=True)
def sliding_windows(x: torch.Tensor, axis: Argument, size: Argument, stride: Argument = 1) -> torch.Tensor:
    """All windows of `size` elements along `axis`: [*, D, *] → [*, (D - size) // stride + 1, size, *]."""
    at = as_int(axis) % x.dim()
    return x.unfold(at, as_int(size), as_int(stride)).movedim(-1, at + 1)


def _each(values: Argument) -> list[Argument]:
    return values if isinstance(values, list) else list(as_tensor(values).reshape(-1))
