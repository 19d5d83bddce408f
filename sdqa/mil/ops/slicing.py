"""Slices, read and written. Source: coremltools' definitions iOS15 and iOS18 `tensor_transformation`, iOS15 `crop`."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sdqa.mil.arguments import Argument, as_bool, as_ints, as_tensor
from sdqa.mil.registry import op


@dataclass(frozen=True)
class Slice:
    """One dimension of a slice, resolved against its size; `count` elements from `start` by `step`."""

    start: int
    step: int
    count: int
    squeezed: bool


def _resolve(
    shape: torch.Size,
    begin: Argument,
    end: Argument,
    stride: Argument,
    begin_mask: Argument,
    end_mask: Argument,
    squeeze_mask: Argument,
) -> list[Slice]:
    """numpy's rules for negative and overlong indices; a squeezed dimension keeps the one element at `begin`."""
    rank = len(shape)
    begins, ends = as_ints(begin), as_ints(end)
    steps = as_ints(stride) if stride is not None else [1] * rank
    open_begin, open_end, squeezed = (_flags(mask, rank) for mask in (begin_mask, end_mask, squeeze_mask))
    lengths = {len(item) for item in (begins, ends, steps, open_begin, open_end, squeezed)}
    if lengths != {rank}:
        raise ValueError(f"a slice of {rank} dimensions, but begin {begins}, end {ends}, stride {steps}")
    result = []
    for axis, size in enumerate(shape):
        if squeezed[axis]:
            start = 0 if open_begin[axis] else begins[axis] + size if begins[axis] < 0 else begins[axis]
            if not 0 <= start < size:
                raise IndexError(f"index {begins[axis]} is outside dimension {axis} of size {size}")
            result.append(Slice(start, 1, 1, True))
            continue
        bounds = slice(
            None if open_begin[axis] else begins[axis], None if open_end[axis] else ends[axis], steps[axis]
        ).indices(size)
        result.append(Slice(bounds[0], bounds[2], len(range(*bounds)), False))
    return result


def _view(x: torch.Tensor, slices: list[Slice]) -> tuple[torch.Tensor, list[int]]:
    """A view of the chosen elements with ascending steps, and the axes along which it must be read backwards."""
    backwards = []
    for axis, part in enumerate(slices):
        if part.count == x.shape[axis] and part.step == 1:
            continue
        if part.count == 0:
            x = x.narrow(axis, 0, 0)
            continue
        last = part.start + (part.count - 1) * part.step
        low, high = min(part.start, last), max(part.start, last)
        x = x.narrow(axis, low, high - low + 1)
        if abs(part.step) != 1:
            x = x[(slice(None),) * axis + (slice(None, None, abs(part.step)),)]
        if part.step < 0:
            backwards.append(axis)
    return x, backwards


@op("slice_by_index", movement=True)
def slice_by_index(
    x: Argument,
    begin: Argument,
    end: Argument,
    stride: Argument = None,
    begin_mask: Argument = None,
    end_mask: Argument = None,
    squeeze_mask: Argument = None,
) -> torch.Tensor:
    """x[begin:end:stride] per dimension; masks open a bound, or take one element and drop the dimension."""
    data = as_tensor(x)
    slices = _resolve(data.shape, begin, end, stride, begin_mask, end_mask, squeeze_mask)
    result, backwards = _view(data, slices)
    if backwards:
        result = result.flip(backwards)
    dropped = tuple(axis for axis, part in enumerate(slices) if part.squeezed)
    return result.squeeze(dropped) if dropped else result


@op("slice_update", movement=True)
def slice_update(
    x: Argument,
    update: Argument,
    begin: Argument,
    end: Argument,
    stride: Argument = None,
    begin_mask: Argument = None,
    end_mask: Argument = None,
    squeeze_mask: Argument = None,
) -> torch.Tensor:
    """x with the elements that slice_by_index would read replaced by `update`."""
    return updated_slice(as_tensor(x).clone(), update, begin, end, stride, begin_mask, end_mask, squeeze_mask)


def updated_slice(
    x: torch.Tensor,
    update: Argument,
    begin: Argument,
    end: Argument,
    stride: Argument = None,
    begin_mask: Argument = None,
    end_mask: Argument = None,
    squeeze_mask: Argument = None,
) -> torch.Tensor:
    """x itself, changed as `slice_update` says."""
    slices = _resolve(x.shape, begin, end, stride, begin_mask, end_mask, squeeze_mask)
    target, backwards = _view(x, slices)
    values = as_tensor(update).to(x.dtype).reshape(target.shape)
    target.copy_(values.flip(backwards) if backwards else values)
    return x


@op("slice_by_size", movement=True)
def slice_by_size(x: Argument, begin: Argument, size: Argument) -> torch.Tensor:
    """`size` elements from `begin` per dimension; a size of -1 takes the rest."""
    data = as_tensor(x)
    for axis, (start, count) in enumerate(zip(as_ints(begin), as_ints(size), strict=True)):
        first = start + data.shape[axis] if start < 0 else start
        data = data.narrow(axis, first, data.shape[axis] - first if count == -1 else count)
    return data


@op("crop", movement=True)
def crop(x: torch.Tensor, crop_height: Argument, crop_width: Argument) -> torch.Tensor:
    """x [*, H, W] without the given numbers of rows (top, bottom) and columns (left, right)."""
    (top, bottom), (left, right) = as_ints(crop_height), as_ints(crop_width)
    height, width = x.shape[-2:]
    if min(top, bottom, left, right) < 0 or top + bottom >= height or left + right >= width:
        raise ValueError(f"cropping ({top}, {bottom}) × ({left}, {right}) leaves nothing of {height} × {width}")
    return x[..., top : height - bottom, left : width - right]


def _flags(mask: Argument, rank: int) -> list[bool]:
    if mask is None:
        return [False] * rank
    if isinstance(mask, list | tuple):
        return [as_bool(flag) for flag in mask]
    return [bool(flag) for flag in as_tensor(mask).reshape(-1).tolist()]
