"""Indexed reads and writes. Source: coremltools' definitions iOS15 to iOS17 `scatter_gather`.

Indices below zero count from the end, as iOS15 and iOS16 define; iOS17 leaves them undefined, and with
`validate_indices` forbids them. Indices out of range always raise an error, where Core ML leaves the result undefined.
"""

from __future__ import annotations

import math

import torch

from sdqa.mil.arguments import Argument, as_bool, as_int, as_str, as_tensor
from sdqa.mil.ops.promotion import quotient
from sdqa.mil.registry import op


def _places(indices: torch.Tensor, size: int, *, validate: Argument) -> torch.Tensor:
    """Indices as int64 between 0 and size - 1.

    Raises:
        IndexError: if one lies outside [-size, size), or outside [0, size) when they are to be validated.
    """
    places = indices.long()
    if places.numel():
        low, high = torch.aminmax(places)
        if low < (0 if as_bool(validate) else -size) or high >= size:
            raise IndexError(f"indices between {int(low)} and {int(high)} into a dimension of size {size}")
        if low < 0:
            places = torch.where(places < 0, places + size, places)
    return places


def _linear(indices: torch.Tensor, sizes: torch.Size, *, validate: Argument) -> torch.Tensor:
    """The last axis of indices, one index per size, as a single row-major index."""
    linear = torch.zeros(indices.shape[:-1], dtype=torch.long)
    for axis, size in enumerate(sizes):
        linear = linear * size + _places(indices[..., axis], size, validate=validate)
    return linear


@op("gather", movement=True)
def gather(
    x: Argument, indices: Argument, axis: Argument = 0, batch_dims: Argument = 0, validate_indices: Argument = False
) -> torch.Tensor:
    """x's slices at `indices` along `axis`: D[:axis] + N[batch_dims:] + D[axis+1:]."""
    data, at, batch = as_tensor(x), as_int(axis), as_int(batch_dims)
    at = at % data.dim()
    places = _places(as_tensor(indices), data.shape[at], validate=validate_indices)
    if batch == 0:
        sizes = data.shape[:at] + places.shape + data.shape[at + 1 :]
        return data.index_select(at, places.reshape(-1)).reshape(sizes)
    _check_batch(data, places, batch)
    sizes = data.shape[:at] + places.shape[batch:] + data.shape[at + 1 :]
    count = math.prod(data.shape[:batch])
    data = data.reshape(count, math.prod(data.shape[batch:at]), data.shape[at], math.prod(data.shape[at + 1 :]))
    places = places.reshape(count, 1, -1, 1).expand(-1, data.shape[1], -1, data.shape[3])
    return data.gather(2, places).reshape(sizes)


@op("gather_along_axis", movement=True)
def gather_along_axis(
    x: Argument, indices: Argument, axis: Argument = 0, validate_indices: Argument = False
) -> torch.Tensor:
    """numpy's take_along_axis: the result has the shape of `indices`."""
    data, at = as_tensor(x), as_int(axis)
    return data.gather(at, _places(as_tensor(indices), data.shape[at], validate=validate_indices))


@op("gather_nd", movement=True)
def gather_nd(
    x: Argument, indices: Argument, batch_dims: Argument = 0, validate_indices: Argument = False
) -> torch.Tensor:
    """Slices of x at the index vectors in the last axis of `indices`, after `batch_dims` shared dimensions."""
    data, places, batch = as_tensor(x), as_tensor(indices), as_int(batch_dims)
    _check_batch(data, places, batch)
    depth = places.shape[-1]
    inner = data.shape[batch : batch + depth]
    if len(inner) != depth:
        raise ValueError(f"index vectors of {depth} elements into shape {tuple(data.shape)}")
    sizes = places.shape[:-1] + data.shape[batch + depth :]
    linear = _linear(places, inner, validate=validate_indices)
    count, size = math.prod(data.shape[:batch]), math.prod(inner)
    rows = data.reshape(count * size, math.prod(data.shape[batch + depth :]))
    chosen = linear.reshape(count, math.prod(places.shape[batch:-1])) + (torch.arange(count) * size).unsqueeze(1)
    return rows.index_select(0, chosen.reshape(-1)).reshape(sizes)


@op("scatter")
def scatter(
    data: Argument,
    indices: Argument,
    updates: Argument,
    axis: Argument = 0,
    mode: Argument = "add",
    validate_indices: Argument = False,
) -> torch.Tensor:
    """data with `updates` [D[:axis] + N + D[axis+1:]] combined into its slices at `indices` along `axis`."""
    target, news = as_tensor(data), as_tensor(updates)
    at = as_int(axis) % target.dim()
    places = _places(as_tensor(indices), target.shape[at], validate=validate_indices)
    lead = list(range(at, at + places.dim()))
    moved = target.movedim(at, 0)
    rows = moved.reshape(target.shape[at], math.prod(moved.shape[1:]))
    news = news.to(target.dtype).movedim(lead, list(range(len(lead)))).reshape(places.numel(), rows.shape[1])
    return _combine_rows(rows, places.reshape(-1), news, as_str(mode)).reshape(moved.shape).movedim(0, at)


@op("scatter_nd")
def scatter_nd(
    data: Argument, indices: Argument, updates: Argument, mode: Argument = "add", validate_indices: Argument = False
) -> torch.Tensor:
    """data with `updates` combined into its slices at the index vectors in the last axis of `indices`."""
    target, places = as_tensor(data), as_tensor(indices)
    inner = target.shape[: places.shape[-1]]
    linear = _linear(places, inner, validate=validate_indices).reshape(-1)
    rows = target.reshape(math.prod(inner), math.prod(target.shape[len(inner) :]))
    if not linear.numel():
        return target.clone()
    news = as_tensor(updates).to(target.dtype).reshape(linear.numel(), rows.shape[1])
    return _combine_rows(rows, linear, news, as_str(mode)).reshape(target.shape)


@op("scatter_along_axis")
def scatter_along_axis(
    data: Argument,
    indices: Argument,
    updates: Argument,
    axis: Argument = 0,
    mode: Argument = "add",
    validate_indices: Argument = False,
) -> torch.Tensor:
    """data with each element of `updates` combined into the element that numpy's put_along_axis would set."""
    target, at = as_tensor(data), as_int(axis)
    places = _places(as_tensor(indices), target.shape[at], validate=validate_indices)
    return _combine(target, at, places, as_tensor(updates).to(target.dtype), as_str(mode))


def put(
    data: torch.Tensor,
    indices: Argument,
    updates: Argument,
    axis: Argument = 0,
    mode: Argument = "update",  # noqa: ARG001  "update" is what it is for
    validate_indices: Argument = False,
) -> torch.Tensor:
    """data itself, changed as `scatter` with mode "update" says."""
    at = as_int(axis) % data.dim()
    places = _places(as_tensor(indices), data.shape[at], validate=validate_indices).reshape(-1)
    sizes = (*data.shape[:at], places.numel(), *data.shape[at + 1 :])
    news = as_tensor(updates).to(data.dtype).reshape(sizes)
    places = places.reshape((1,) * at + (-1,) + (1,) * (data.dim() - at - 1)).expand(sizes)
    return data.scatter_(at, places, news)


def put_nd(
    data: torch.Tensor,
    indices: Argument,
    updates: Argument,
    mode: Argument = "update",  # noqa: ARG001  "update" is what it is for
    validate_indices: Argument = False,
) -> torch.Tensor:
    """data [contiguous] itself, changed as `scatter_nd` with mode "update" says."""
    places = as_tensor(indices)
    inner = data.shape[: places.shape[-1]]
    linear = _linear(places, inner, validate=validate_indices).reshape(-1)
    rows = data.view(math.prod(inner), math.prod(data.shape[len(inner) :]))
    news = as_tensor(updates).to(data.dtype).reshape(linear.numel(), rows.shape[1])
    rows.scatter_(0, linear.unsqueeze(1).expand_as(news), news)
    return data


def put_along_axis(
    data: torch.Tensor,
    indices: Argument,
    updates: Argument,
    axis: Argument = 0,
    mode: Argument = "update",  # noqa: ARG001  "update" is what it is for
    validate_indices: Argument = False,
) -> torch.Tensor:
    """data itself, changed as `scatter_along_axis` with mode "update" says."""
    at = as_int(axis)
    places = _places(as_tensor(indices), data.shape[at], validate=validate_indices)
    return data.scatter_(at, places, as_tensor(updates).to(data.dtype))


def _combine_rows(rows: torch.Tensor, places: torch.Tensor, news: torch.Tensor, mode: str) -> torch.Tensor:
    """rows [N, R] with news [K, R] combined into the rows at places [K]."""
    return _combine(rows, 0, places.unsqueeze(1).expand_as(news), news, mode)


def _combine(target: torch.Tensor, axis: int, places: torch.Tensor, news: torch.Tensor, mode: str) -> torch.Tensor:
    """A copy of target with news combined at places along axis; repeated places combine one after the other."""
    if mode == "update":
        return target.scatter(axis, places, news)
    if mode == "add":
        return target.scatter_add(axis, places, news)
    if mode == "sub":
        return target.scatter_add(axis, places, -news)
    if mode == "div":
        return _divided(target, axis, places, news)
    reductions = {"mul": "prod", "max": "amax", "min": "amin"}
    if mode not in reductions:
        raise ValueError(f"scatter has no mode {mode!r}")
    return target.scatter_reduce(axis, places, news, reductions[mode])


def _divided(target: torch.Tensor, axis: int, places: torch.Tensor, news: torch.Tensor) -> torch.Tensor:
    divisor = torch.ones_like(target).scatter_reduce(axis, places, news, "prod")
    return target / divisor if target.dtype.is_floating_point else quotient(target, divisor)


def _check_batch(data: torch.Tensor, places: torch.Tensor, batch: int) -> None:
    if batch < 0 or data.shape[:batch] != places.shape[:batch]:
        raise ValueError(
            f"{batch} batch dimensions, but data {tuple(data.shape)} and indices {tuple(places.shape)} differ in them"
        )
