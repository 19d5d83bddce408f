"""Putting together, filling, padding, sorting. Source: coremltools' definitions iOS15 to iOS17 `tensor_operation`."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from sdqa.mil.arguments import Argument, as_bool, as_float, as_int, as_ints, as_str, as_tensor
from sdqa.mil.ops.promotion import promote
from sdqa.mil.registry import op


@op("identity", movement=True)
def identity(x: Argument) -> Argument:
    """x itself, of whatever kind."""
    return x


@op("shape")
def shape(x: Argument) -> torch.Tensor:
    """The sizes of x, int32 [rank]."""
    return torch.tensor(list(as_tensor(x).shape), dtype=torch.int32)


@op("concat", movement=True)
def concat(values: list[Argument], axis: Argument, interleave: Argument = False) -> torch.Tensor:
    """The tensors joined along one axis, whole after whole or, interleaved, element after element; scalars as [1]."""
    parts = promote(*(part if part.dim() else part.reshape(1) for part in map(as_tensor, values)))
    at = as_int(axis)
    if not as_bool(interleave):
        return torch.cat(parts, at)
    at %= parts[0].dim()
    return torch.stack(parts, at + 1).flatten(at, at + 1)


@op("stack", movement=True)
def stack(values: list[Argument], axis: Argument) -> torch.Tensor:
    """Tensors of one shape joined along a new axis."""
    return torch.stack(promote(*map(as_tensor, values)), as_int(axis))


@op("split", movement=True)
def split(
    x: Argument, axis: Argument, num_splits: Argument = None, split_sizes: Argument = None
) -> tuple[torch.Tensor, ...]:
    """x cut along one axis into `num_splits` equal parts, or parts of `split_sizes`."""
    data, at = as_tensor(x), as_int(axis)
    if split_sizes is not None:
        return torch.split(data, as_ints(split_sizes), at)
    if num_splits is None:
        raise ValueError("split needs num_splits or split_sizes")
    count = as_int(num_splits)
    if count < 1 or data.shape[at] % count:
        raise ValueError(f"cannot split {data.shape[at]} elements into {count} equal parts")
    return torch.split(data, max(data.shape[at] // count, 1), at)


@op("tile", movement=True)
def tile(x: Argument, reps: Argument) -> torch.Tensor:
    """x repeated reps[i] times along dimension i."""
    return as_tensor(x).repeat(as_ints(reps))


@op("fill")
def fill(shape: Argument, value: Argument = 0.0) -> torch.Tensor:
    """A tensor of one value."""
    content = as_tensor(value)
    return torch.full(as_ints(shape), content.item(), dtype=content.dtype)


@op("fill_like")
def fill_like(ref_tensor: Argument, value: Argument = 0.0) -> torch.Tensor:
    """A tensor of one value, in the shape of another."""
    content = as_tensor(value)
    return torch.full(list(as_tensor(ref_tensor).shape), content.item(), dtype=content.dtype)


@op("range_1d")
def range_1d(start: Argument, end: Argument, step: Argument) -> torch.Tensor:
    """start, start + step, … below end (above it, if step is negative)."""
    first, last, by = promote(*(as_tensor(value).reshape(()) for value in (start, end, step)))
    return torch.arange(first.item(), last.item(), by.item(), dtype=first.dtype)


@op("pad", movement=True)
def pad(x: torch.Tensor, pad: Argument, mode: Argument = "constant", constant_val: Argument = 0.0) -> torch.Tensor:
    """x padded in its last N dimensions by pad [before, after] × N: constant, reflect (edge once) or replicate."""
    flat = as_ints(pad)
    pairs = list(zip(flat[::2], flat[1::2], strict=True))
    kind = as_str(mode)
    if kind == "constant":
        value = as_float(constant_val)
        return F.pad(x, [number for pair in reversed(pairs) for number in pair], value=value)
    if kind not in ("reflect", "replicate"):
        raise ValueError(f"pad has no mode {kind!r}")
    for axis, (before, after) in enumerate(pairs, start=x.dim() - len(pairs)):
        if before or after:
            x = x.index_select(axis, _padded_places(x.shape[axis], before, after, kind))
    return x


def _padded_places(size: int, before: int, after: int, kind: str) -> torch.Tensor:
    """For each place of a padded dimension the index of the element that stands there."""
    places = torch.arange(-before, size + after)
    if kind == "replicate":
        return places.clamp(0, size - 1)
    if max(before, after) >= size:
        raise ValueError(f"reflecting {max(before, after)} elements of a dimension of {size}")
    period = max(2 * (size - 1), 1)
    folded = places.remainder(period)
    return torch.minimum(folded, period - folded) if size > 1 else folded


@op("cumsum")
def cumsum(x: torch.Tensor, axis: Argument = 0, exclusive: Argument = False, reverse: Argument = False) -> torch.Tensor:
    """Running sum along one axis; exclusive leaves out the element itself, reverse runs from the end."""
    at = as_int(axis)
    data = x.flip(at) if as_bool(reverse) else x
    if as_bool(exclusive):
        zeros = torch.zeros_like(data.narrow(at, 0, min(1, data.shape[at])))
        data = torch.cat([zeros, data.narrow(at, 0, max(data.shape[at] - 1, 0))], at)
    sums = torch.cumsum(data, at).to(x.dtype)
    return sums.flip(at) if as_bool(reverse) else sums


@op("band_part", movement=True)
def band_part(x: torch.Tensor, lower: Argument = -1, upper: Argument = -1) -> torch.Tensor:
    """x [*, M, N] with zeros outside `lower` subdiagonals and `upper` superdiagonals (negative: all are kept)."""
    below, above = as_int(lower), as_int(upper)
    row, column = torch.arange(x.shape[-2]).unsqueeze(1), torch.arange(x.shape[-1])
    kept = torch.ones(x.shape[-2:], dtype=torch.bool)
    if below >= 0:
        kept &= row - column <= below
    if above >= 0:
        kept &= column - row <= above
    return torch.where(kept, x, torch.zeros_like(x))


@op("non_zero")
def non_zero(x: torch.Tensor) -> torch.Tensor:
    """Indices of the elements that are not zero, int32 [count, rank]."""
    return torch.nonzero(x).to(torch.int32)


@op("one_hot")
def one_hot(
    indices: Argument,
    one_hot_vector_size: Argument,
    axis: Argument = -1,
    on_value: Argument = 1,
    off_value: Argument = 0,
) -> torch.Tensor:
    """A new axis with `on_value` at the index and `off_value` elsewhere (everywhere, for an index out of range)."""
    where, size, at = as_tensor(indices), as_int(one_hot_vector_size), as_int(axis)
    hot = where.unsqueeze(-1) == torch.arange(size)
    on, off = promote(as_tensor(on_value), as_tensor(off_value))
    return torch.where(hot, on, off).movedim(-1, at if at >= 0 else at + where.dim() + 1)


@op("argsort")
def argsort(x: torch.Tensor, axis: Argument = -1, ascending: Argument = False) -> torch.Tensor:
    """Indices that sort x along one axis, equal elements in their order."""
    return torch.argsort(x, dim=as_int(axis), descending=not as_bool(ascending), stable=True).to(torch.int32)


@op("topk")
def topk(
    x: torch.Tensor,
    k: Argument = 1,
    axis: Argument = -1,
    ascending: Argument = False,
    sort: Argument = True,
    return_indices: Argument = True,
    output_indices_dtype: Argument = "int32",
) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
    """The k largest (smallest, if ascending) elements along one axis and their indices; k = -1 takes all.

    They come sorted even when `sort` is false, which leaves the order open.
    """
    del sort, output_indices_dtype
    at, count = as_int(axis), as_int(k)
    count = x.shape[at] if count == -1 else count
    if not 0 <= count <= x.shape[at]:
        raise ValueError(f"the top {count} of {x.shape[at]} elements")
    values, indices = torch.sort(x, dim=at, descending=not as_bool(ascending), stable=True)
    values, indices = values.narrow(at, 0, count), indices.narrow(at, 0, count).to(torch.int32)
    return (values, indices) if as_bool(return_indices) else values
