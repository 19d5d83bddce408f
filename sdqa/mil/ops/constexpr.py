"""Unpacking of compressed weights: numpy arrays in, numpy arrays out.

Source: coremltools' definitions iOS16 `constexpr_ops` (parameters as attributes, data packed into bytes) and iOS18
`compression` (parameters as inputs, sub-byte types, blocks, vectors). The arithmetic keeps the dtypes and the order of
coremltools' `decompress_weights`, so that results are equal to the bit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sdqa.mil.arguments import as_int, as_ints, as_str
from sdqa.mil.registry import constexpr

Array = np.ndarray[Any, Any]

CHUNK = 1 << 20
"""Elements that are looked up at once."""


@constexpr("constexpr_affine_dequantize")
def affine_dequantize(quantized_data: Array, zero_point: Array, scale: Array, axis: Array | int) -> Array:
    """scale · (quantized_data - zero_point), computed in fp32; scale and zero_point are scalars or lie along `axis`."""
    column = [1] * quantized_data.ndim
    column[as_int(axis)] = -1
    scale, zero_point = np.asarray(scale), np.asarray(zero_point).astype(np.float32)
    centred = quantized_data.astype(np.float32)
    centred -= zero_point.reshape(column) if zero_point.ndim else zero_point
    centred *= scale.reshape(column) if scale.ndim else scale
    return centred.astype(scale.dtype, copy=False)


@constexpr("constexpr_cast")
def cast(source_val: Array, output_dtype: Any) -> Array:
    """fp16 widened to fp32, the only cast that is defined."""
    if as_str(output_dtype) not in ("fp32", "float32"):
        raise ValueError(f"constexpr_cast to {as_str(output_dtype)!r}: only fp32 is defined")
    return source_val.astype(np.float32)


@constexpr("constexpr_blockwise_shift_scale")
def blockwise_shift_scale(data: Array, scale: Array, offset: Array | None = None) -> Array:
    """scale · (data - offset), with one scale and offset per block; computed in scale's dtype."""
    spread = [size for count in scale.shape for size in (count, 1)]
    result = data.astype(scale.dtype).reshape(_blocks(data.shape, scale.shape))
    if offset is not None:
        if offset.shape != scale.shape:
            raise ValueError(f"offset of shape {offset.shape} beside a scale of shape {scale.shape}")
        result = result - offset.reshape(spread)
    unpacked: Array = (scale.reshape(spread) * result).reshape(data.shape)
    return unpacked


@constexpr("constexpr_lut_to_dense")
def lut_to_dense(indices: Array, lut: Array, shape: Array | None = None, vector_axis: Any = None) -> Array:
    """lut looked up at indices.

    iOS16: indices are bits packed into bytes, lut is [2^bits], and `shape` tells the result's.
    iOS18: indices have their own shape [*], lut is [*blocks, 2^bits, vector]; a vector extends along `vector_axis`.
    """
    if shape is not None:
        sizes = as_ints(shape)
        bits = int(lut.size).bit_length() - 1
        if not 1 <= bits <= 8 or lut.size != 1 << bits:
            raise ValueError(f"a table of {lut.size} entries: expected 2, 4, 16, 64 or 256")
        places = unpack_bits(indices, bits, math.prod(sizes))
        return _looked_up(places, lut.reshape(1, -1, 1), None).reshape(sizes)
    rank = indices.ndim
    if lut.ndim != rank + 2:
        raise ValueError(f"a table of shape {lut.shape} for indices of shape {indices.shape}")
    _blocks(indices.shape, lut.shape[:rank])
    if indices.size and int(indices.max()) >= lut.shape[-2]:
        raise ValueError(f"index {int(indices.max())} into a table of {lut.shape[-2]} entries")
    return _looked_up(indices, lut, None if lut.shape[-1] == 1 else as_int(vector_axis) % rank)


def _looked_up(indices: Array, lut: Array, axis: int | None) -> Array:
    """Values of lut [*blocks, entries, vector] at indices [*], vectors laid out along `axis`.

    A few rows at a time: numpy widens the indices to eight bytes each.
    """
    sizes = list(indices.shape)
    if axis is not None:
        sizes[axis] *= lut.shape[-1]
    result = np.empty(sizes, lut.dtype)
    step = max(CHUNK * len(indices) // max(indices.size, 1), 1)
    block = len(indices) // lut.shape[0]
    widening = lut.shape[-1] if axis == 0 else 1
    for table in range(lut.shape[0]):
        for first in range(table * block, (table + 1) * block, step):
            last = min(first + step, (table + 1) * block)
            found = _looked_up_at_once(indices[first:last], lut[table : table + 1], axis)
            result[first * widening : last * widening] = found
    return result


def _looked_up_at_once(indices: Array, lut: Array, axis: int | None) -> Array:
    rank = indices.ndim
    entries, vector = lut.shape[-2:]
    table = np.arange(math.prod(lut.shape[:rank]), dtype=np.int64) * entries
    table = table.reshape([size for count in lut.shape[:rank] for size in (count, 1)])
    places = indices.reshape(_blocks(indices.shape, lut.shape[:rank])) + table
    found: Array = lut.reshape(-1, vector)[places.reshape(indices.shape)]
    if axis is None:
        return found.reshape(indices.shape)
    sizes = list(indices.shape)
    sizes[axis] *= vector
    spread: Array = np.moveaxis(found, -1, axis + 1).reshape(sizes)
    return spread


@constexpr("constexpr_sparse_to_dense")
def sparse_to_dense(nonzero_data: Array, mask: Array, shape: Array | None = None) -> Array:
    """Values put where the mask is set, zeros elsewhere; iOS16 packs the mask into bytes and gives `shape`."""
    if shape is not None:
        sizes = tuple(as_ints(shape))
        kept = unpack_bits(mask, 1, math.prod(sizes)).astype(bool).reshape(sizes)
    else:
        kept = mask.astype(bool)
    if np.count_nonzero(kept) != nonzero_data.size:
        raise ValueError(f"{nonzero_data.size} values for a mask with {np.count_nonzero(kept)} bits set")
    result = np.zeros(kept.shape, dtype=nonzero_data.dtype)
    result[kept] = nonzero_data.reshape(-1)
    return result


@constexpr("constexpr_lut_to_sparse")
def lut_to_sparse(
    indices_mask: Array, indices_nonzero_data: Array, lut: Array, vector_axis: Any = None
) -> tuple[Array, Array]:
    """Look-up on the non-zero elements only: (mask, values); vectors widen the mask along `vector_axis`."""
    dense = lut_to_dense(sparse_to_dense(indices_nonzero_data, indices_mask), lut, None, vector_axis)
    mask = indices_mask
    if vector_axis is not None:
        mask = np.repeat(mask, lut.shape[-1], axis=as_int(vector_axis))
    return mask, dense[mask != 0].reshape(-1)


@constexpr("constexpr_sparse_blockwise_shift_scale")
def sparse_blockwise_shift_scale(
    data_mask: Array, nonzero_data: Array, scale: Array, offset: Array | None = None
) -> tuple[Array, Array]:
    """Shift and scale of the non-zero elements only: (mask, values)."""
    dense = blockwise_shift_scale(sparse_to_dense(nonzero_data, data_mask), scale, offset)
    return data_mask, dense[data_mask != 0].reshape(-1)


def unpack_bits(packed: Array, bits: int, count: int) -> Array:
    """`count` unsigned numbers of `bits` bits from bytes, the least significant bit first; uint8 [count]."""
    raw = np.ascontiguousarray(packed).reshape(-1).view(np.uint8)
    if raw.size * 8 < count * bits:
        raise ValueError(f"{raw.size} bytes cannot hold {count} numbers of {bits} bits")
    if bits == 8:
        return raw[:count]
    if 8 % bits == 0:
        shifts = np.arange(0, 8, bits, dtype=np.uint8)
        mask = np.uint8((1 << bits) - 1)
        return ((raw[: -(-count * bits // 8), None] >> shifts) & mask).reshape(-1)[:count]
    single = np.unpackbits(raw, bitorder="little", count=count * bits).reshape(count, bits)
    return np.packbits(single, axis=1, bitorder="little").reshape(-1)


def _blocks(shape: tuple[int, ...], counts: tuple[int, ...]) -> list[int]:
    """Each dimension split into two: blocks, elements per block.

    Raises:
        ValueError: if the ranks differ or the blocks do not divide a dimension.
    """
    if len(shape) != len(counts) or any(count < 1 or size % count for size, count in zip(shape, counts, strict=True)):
        raise ValueError(f"blocks of shape {counts} do not divide data of shape {shape}")
    return [number for size, count in zip(shape, counts, strict=True) for number in (count, size // count)]
