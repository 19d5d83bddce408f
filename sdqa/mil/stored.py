"""How constants are stored: bits a value, and the recipe that made a compressed one of it, in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sdqa.mil.constants import Constant, Unpacked
from sdqa.mil.graph import Function


@dataclass(frozen=True)
class StoredWeight:
    """One weight, as it lies in the package."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    """Declared, once unpacked."""
    recipe: str
    """`fp16`, or `6-bit palettized, 64 entries, per tensor`."""
    bits: float
    """Stored bits a value, tables and scales left out; what is pruned away counts as none."""
    stored_bytes: int


def constants_of(function: Function) -> Iterator[Constant]:
    """The constants that operations read, each once, in order of first use."""
    seen: set[int] = set()
    for node in function.body.walk():
        for arguments in node.inputs.values():
            for argument in arguments:
                if isinstance(argument, Constant) and id(argument) not in seen:
                    seen.add(id(argument))
                    yield argument


def stored_weights(function: Function) -> tuple[StoredWeight, ...]:
    """The floating-point arrays that operations read, each once, in order of first use."""
    return tuple(
        StoredWeight(
            constant.name,
            constant.type.shape,
            constant.type.dtype,
            recipe(constant),
            sum(bits * count for bits, count in stored_bits(constant)) / elements,
            constant.stored_bytes,
        )
        for constant in constants_of(function)
        if (elements := weight_elements(constant))
    )


def recipes_of(weights: tuple[StoredWeight, ...]) -> dict[str, int]:
    """Recipe to number of weights, the most frequent first."""
    return dict(Counter(weight.recipe for weight in weights).most_common())


def weight_elements(constant: Constant) -> int:
    """How many values a weight has; 0 for what is no array of floating-point numbers."""
    elements = constant.type.elements or 0
    return elements if constant.type.kind == "tensor" and elements > 1 and constant.type.dtype.startswith("fp") else 0


def stored_bits(constant: Constant) -> list[tuple[int, int]]:
    """(bits, count) of a constant's elements as they are stored; pruned ones have 0 bits."""
    elements = constant.type.elements or 0
    if not isinstance(constant, Unpacked):
        return [(constant.type.element.bits, elements)]
    arguments = constant.source.arguments
    match constant.source.type:
        case "constexpr_lut_to_dense" | "constexpr_lut_to_sparse":
            return [(_index_bits(arguments["lut"]), elements)]
        case "constexpr_affine_dequantize":
            return [(arguments["quantized_data"].type.element.bits, elements)]
        case "constexpr_blockwise_shift_scale":
            return stored_bits(arguments["data"])
        case "constexpr_sparse_blockwise_shift_scale":
            return stored_bits(arguments["nonzero_data"])
        case "constexpr_cast":
            return stored_bits(arguments["source_val"])
        case "constexpr_sparse_to_dense":
            nonzero = arguments["nonzero_data"]
            return [*stored_bits(nonzero), (0, elements - (nonzero.type.elements or 0))]
        case _:
            return [(constant.type.element.bits, elements)]


def is_sparse(constant: Constant) -> bool:
    """Whether some of a constant's values are not stored, and zero."""
    return any(bits == 0 for bits, _ in stored_bits(constant)) or (
        isinstance(constant, Unpacked) and constant.source.type == "constexpr_lut_to_sparse"
    )


def table_blocks(constant: Constant) -> tuple[int, ...] | None:
    """How many tables or scales a compressed constant has along each axis; None where it is not compressed."""
    if not isinstance(constant, Unpacked):
        return None
    arguments, rank = constant.source.arguments, len(constant.type.shape)
    match constant.source.type:
        case "constexpr_lut_to_dense" | "constexpr_lut_to_sparse":
            blocks = arguments["lut"].type.shape[:-2]
        case "constexpr_affine_dequantize":
            scale, axis = arguments["scale"].type, int(np.asarray(arguments["axis"].read()))
            blocks = tuple((scale.elements or 1) if index == axis % rank else 1 for index in range(rank))
        case "constexpr_blockwise_shift_scale" | "constexpr_sparse_blockwise_shift_scale":
            blocks = arguments["scale"].type.shape
            inner = table_blocks(arguments.get("data", arguments.get("nonzero_data", constant)))
            if inner and len(inner) == len(blocks):
                blocks = tuple(max(pair) for pair in zip(inner, blocks, strict=True))
        case "constexpr_cast":
            return table_blocks(arguments["source_val"])
        case "constexpr_sparse_to_dense":
            return table_blocks(arguments["nonzero_data"]) or ()
        case _:
            blocks = ()
    return blocks


def recipe(constant: Constant) -> str:
    """How a constant is stored, in words; its dtype where it is not compressed."""
    if not isinstance(constant, Unpacked):
        return constant.type.dtype
    arguments, shape = constant.source.arguments, constant.type.shape
    match constant.source.type:
        case "constexpr_lut_to_dense":
            return _palettized(arguments, shape)
        case "constexpr_lut_to_sparse":
            return _palettized(arguments, arguments["indices_mask"].type.shape)
        case "constexpr_affine_dequantize":
            scale, data = arguments["scale"].type, arguments["quantized_data"].type
            granularity = "per tensor" if scale.elements == 1 else "per channel"
            return f"{data.element.bits}-bit linear ({data.dtype}), {granularity}"
        case "constexpr_blockwise_shift_scale":
            return _linear(arguments["data"], arguments["scale"], shape)
        case "constexpr_sparse_blockwise_shift_scale":
            return _linear(arguments["nonzero_data"], arguments["scale"], arguments["data_mask"].type.shape)
        case "constexpr_sparse_to_dense":
            nonzero, elements = arguments["nonzero_data"], constant.type.elements or 1
            pruned = f"{100 * (1 - (nonzero.type.elements or 0) / elements):.0f} % pruned"
            rest = recipe(nonzero)
            return f"{pruned}, the rest {rest}"
        case "constexpr_cast":
            return f"{recipe(arguments['source_val'])}, widened to {constant.type.dtype}"
        case kind:
            return kind.removeprefix("constexpr_").replace("_", " ")


def _index_bits(table: Constant) -> int:
    return max(1, math.ceil(math.log2(max(_entries(table), 2))))


def _entries(table: Constant) -> int:
    """How many entries each of a table's blocks has: [entries], or [*blocks, entries, vector]."""
    sizes = table.type.shape
    return sizes[-2] if len(sizes) > 1 else sizes[0] if sizes else 1


def _palettized(arguments: dict[str, Constant], shape: tuple[int, ...]) -> str:
    table = arguments["lut"]
    words = [f"{_index_bits(table)}-bit palettized", f"{_entries(table)} entries"]
    if len(table.type.shape) > 1 and table.type.shape[-1] > 1:
        words.append(f"vectors of {table.type.shape[-1]}")
    if isinstance(table, Unpacked):
        words.append(f"its table {recipe(table)}")
    return ", ".join([*words, _granularity(table.type.shape[:-2], shape)])


def _linear(data: Constant, scale: Constant, shape: tuple[int, ...]) -> str:
    inner = f", {recipe(data)}" if isinstance(data, Unpacked) else ""
    words = f"{data.type.element.bits}-bit linear ({data.type.dtype})"
    return f"{words}, {_granularity(scale.type.shape, shape)}{inner}"


def _granularity(blocks: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """What shares one table or scale: the tensor, a channel, a group of channels, a block."""
    split = [axis for axis, count in enumerate(blocks) if count > 1 and axis < len(shape)]
    if not split:
        return "per tensor"
    sizes = [max(shape[axis] // blocks[axis], 1) for axis in split]
    if len(split) == 1:
        return "per channel" if sizes == [1] else f"per grouped channel {sizes[0]}"
    blocked = [size for size in sizes if size > 1]
    return "per channel and block of " + " × ".join(map(str, blocked)) if blocked else "per element of the blocks"
