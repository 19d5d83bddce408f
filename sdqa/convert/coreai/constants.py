"""The constants of a Core AI program as arrays: plain ones, packed ones, and those that compression stands for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sdqa.errors import PackageError

Array = NDArray[Any]

CONSTANT = "coreai.constant"
MAX_BYTES = 2**34
WHOLE: Mapping[str, type[np.generic]] = {
    "f16": np.float16,
    "f32": np.float32,
    "f64": np.float64,
    **{f"{sign}{bits}": getattr(np, f"{kind}int{bits}") for sign, kind in (("si", ""), ("i", ""), ("ui", "u"))
       for bits in (8, 16, 32, 64)},
}  # fmt: skip
"""Element types that numpy has."""


class Dense(NamedTuple):
    """A weight as an operation reads it."""

    values: Array
    bits: int
    """That one element takes where it is stored."""
    compression: str = ""
    """How it is stored; empty where plainly."""
    blocks: tuple[int, ...] | None = None
    """Of a compressed one: how many tables or scales there are along each axis."""


def bits_of(value: Any) -> int:
    """Bits that one element takes."""
    return int(value.type.element_type.width)


def elements_of(value: Any) -> int:
    """How many elements a value of a fixed shape has; 0 where its shape is not fixed."""
    if not hasattr(value.type, "shape") or not value.type.has_static_shape:
        return 0
    return math.prod(value.type.shape)


def read_constant(operation: Any) -> Array:
    """A constant's values; those of less than a byte an element one by one.

    Raises:
        PackageError: numpy has no such elements.
    """
    result = operation.result
    count, bits, kind = elements_of(result), bits_of(result), str(result.type.element_type)
    size = max(1, count, -(-count * bits // 8))  # flags are written as bytes, and nothing checks the destination's size
    if size > MAX_BYTES:
        raise PackageError(f"a constant of {size} bytes", where=str(result.type))
    from coreai._compiler._mlir_libs._coreaiIR._bindings import compiler

    buffer = np.zeros(size, np.uint8)
    compiler.copy_constant_value_to_array(constant_op=operation, destination=buffer)
    if kind in WHOLE:
        return buffer.view(WHOLE[kind]).reshape(result.type.shape)
    if kind == "i1":
        return buffer[:count].astype(bool).reshape(result.type.shape)
    if bits < 8 and kind.lstrip("sui").isdigit():
        return _unpacked(buffer, count, bits, signed=kind.startswith("s")).reshape(result.type.shape)
    raise PackageError(f"constants of {kind} cannot be read", where=str(result.type))


def _unpacked(buffer: NDArray[np.uint8], count: int, bits: int, *, signed: bool) -> Array:
    """Integers that lie one behind the other, lowest bit first."""
    stream = np.unpackbits(buffer, bitorder="little")[: count * bits].reshape(count, bits)
    values = np.packbits(stream, axis=1, bitorder="little")[:, 0].astype(np.int16)
    if signed:
        values[values >= 2 ** (bits - 1)] -= 2**bits
    return values.astype(np.int8 if signed else np.uint8)


def dense(operation: Any) -> Dense | None:
    """What a constant, or an operation that unpacks constants, gives; None where the operation is neither."""
    if operation.name == CONSTANT:
        return Dense(read_constant(operation), bits_of(operation.result))
    unpack = UNPACKING.get(operation.name.rpartition(".")[2])
    return unpack(operation) if unpack is not None else None


def _operand(operation: Any, index: int) -> Dense | None:
    owner = operation.operands[index].owner
    return dense(getattr(owner, "operation", owner)) if hasattr(owner, "name") else None


def _from_table(operation: Any) -> Dense | None:
    """Indices into tables (blocks along each axis, entries, 1)."""
    index, table = _operand(operation, 0), _operand(operation, 1)
    if index is None or table is None or table.values.ndim != index.values.ndim + 2 or table.values.shape[-1] != 1:
        return None
    values, tables = index.values.astype(np.int64), table.values[..., 0]
    blocks = [
        np.arange(size).reshape([-1 if axis == each else 1 for each in range(values.ndim)]) // (size // count)
        for axis, (size, count) in enumerate(zip(values.shape, tables.shape, strict=False))
    ]
    return Dense(tables[(*blocks, values)], index.bits, "palettized", tables.shape[:-1])


def _shifted(operation: Any) -> Dense | None:
    """(data − offset) · scale + offset, each for a block."""
    parts = [_operand(operation, index) for index in range(4)]
    if any(part is None for part in parts):
        return None
    data, scale, offset, after = (part for part in parts if part is not None)
    shape, stored = data.values.shape, scale.values.dtype
    scales, offsets, added = (_spread(one.values.astype(np.float32), shape) for one in (scale, offset, after))
    values = (data.values.astype(np.float32) - offsets) * scales + added
    return Dense(values.astype(stored), data.bits, data.compression or "quantized", scale.values.shape)


def _spread(value: Array, shape: tuple[int, ...]) -> Array:
    """A value a block, for every element."""
    for axis, size in enumerate(shape):
        value = np.repeat(value, size // value.shape[axis], axis=axis)
    return value


def _from_bitmask(operation: Any) -> Dense | None:
    """Where the mask is set, the next of the values that were kept; elsewhere 0."""
    kept, mask = _operand(operation, 0), _operand(operation, 1)
    if kept is None or mask is None:
        return None
    values = np.zeros(mask.values.shape, kept.values.dtype)
    values[mask.values.astype(bool)] = kept.values
    return Dense(values, kept.bits, "pruned", ())


UNPACKING: Mapping[str, Callable[[Any], Dense | None]] = {
    "lut_to_dense": _from_table,
    "blockwise_shift_scale": _shifted,
    "build_sparse_with_bitmask": _from_bitmask,
    "sparse_with_bitmask_to_dense": lambda operation: _operand(operation, 0),
}
"""Operations that turn stored constants into weights."""


def replace_constant(operation: Any, values: Array) -> Any:
    """Put a plain constant of the same shape and type in place of an operation that gives one.

    Returns:
        The new operation; the old one is erased.
    """
    from coreai._compiler.dialects import coreai
    from coreai._compiler.dialects.coreai.constant import create_elements_attr
    from coreai._compiler.ir import InsertionPoint

    stored = np.ascontiguousarray(values)
    with operation.context, operation.location, InsertionPoint(operation):
        made = coreai.ConstantOp(value=create_elements_attr(operation.location, operation.result.type, stored))
    operation.result.replace_all_uses_with(made.result)
    operation.erase()
    return made.operation
