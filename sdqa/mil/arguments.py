"""Coercion of operation arguments: one value, many spellings (tensor, array, numpy or python scalar, text).

A `ValueError` or `TypeError` raised here becomes an ExecutionError that names the operation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

Argument = Any
"""A tensor, a numpy array or scalar, a python scalar, a string, or a list of these."""

_WIDER = {np.dtype(np.uint16): np.int32, np.dtype(np.uint32): np.int64, np.dtype(np.uint64): np.int64}
"""numpy dtypes that torch has no arithmetic for, and what carries them."""


def as_tensor(value: Argument) -> torch.Tensor:
    """A tensor with the value's own dtype; uint16 is carried as int32, uint32 and uint64 as int64."""
    if isinstance(value, torch.Tensor):
        return value
    array = np.asarray(value)
    if array.dtype == np.float64 and not isinstance(value, np.ndarray | np.generic):
        array = array.astype(np.float32)
    if array.dtype in _WIDER:
        array = array.astype(_WIDER[array.dtype])
    if array.dtype.kind not in "fiub":
        raise TypeError(f"expected numbers, got {array.dtype}")
    if not array.flags.writeable or not array.flags.c_contiguous:
        array = array.copy(order="C")
    return torch.from_numpy(array)


def as_ints(value: Argument) -> list[int]:
    """A flat list of python ints: `strides`, `perm`, `axes`, …"""
    if isinstance(value, torch.Tensor):
        return [int(item) for item in value.reshape(-1).tolist()]
    if isinstance(value, list | tuple):
        return [int(as_int(item)) for item in value]
    return [int(item) for item in np.asarray(value).reshape(-1)]


def as_int(value: Argument) -> int:
    """One python int, from a scalar or an array of one element."""
    return int(_single(value))


def as_float(value: Argument) -> float:
    """One python float, from a scalar or an array of one element."""
    return float(_single(value))


def as_bool(value: Argument) -> bool:
    """One python bool, from a scalar or an array of one element."""
    return bool(_single(value))


def as_str(value: Argument) -> str:
    """One string, from text or an array of one string."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode()
    array = np.asarray(value, dtype=object)
    if array.size != 1 or not isinstance(array.reshape(-1)[0], str):
        raise TypeError(f"expected one string, got {value!r}")
    return str(array.reshape(-1)[0])


def _single(value: Argument) -> Any:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, torch.Tensor):
        if value.numel() != 1:
            raise ValueError(f"expected one value, got shape {tuple(value.shape)}")
        return value.item()
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "fiub":
        raise ValueError(f"expected one number, got {array.dtype} of shape {array.shape}")
    return array.reshape(-1)[0]
