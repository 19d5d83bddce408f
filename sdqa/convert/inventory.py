"""What a package on disk really holds: its inputs and outputs, operations, and weights at their stored bit widths."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sdqa.convert.contract import Tensor
from sdqa.mil.constants import Constant, Unpacked
from sdqa.mil.graph import Function
from sdqa.mil.package import open_package
from sdqa.mil.parse import Parser

_ARRAY_TYPES = {65568: "float32", 65552: "float16", 131104: "int32", 65600: "float64", 131080: "int8"}
"""Core ML's FeatureTypes.proto, ArrayFeatureType.ArrayDataType."""


@dataclass(frozen=True)
class Inventory:
    """A package's content, read from its files."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    function: Function

    @property
    def histogram(self) -> dict[str, int]:
        """How often each operation type occurs, constants left out; sorted by name."""
        return dict(sorted(Counter(node.type for node in self.function.body.walk()).items()))

    def constants(self) -> Iterator[Constant]:
        """The constants that operations read, each once, in order of first use."""
        seen: set[int] = set()
        for node in self.function.body.walk():
            for arguments in node.inputs.values():
                for argument in arguments:
                    if isinstance(argument, Constant) and id(argument) not in seen:
                        seen.add(id(argument))
                        yield argument

    def weights(self) -> Iterator[tuple[str, Any]]:
        """Name and dense value of every array that operations read, compressed ones unpacked."""
        for constant in self.constants():
            if constant.type.kind == "tensor" and constant.type.dtype != "string" and (constant.type.elements or 0) > 1:
                yield constant.name, np.asarray(constant.read())

    def bit_widths(self) -> dict[str, int]:
        """Stored bits to number of weights; values that pruning leaves out count as 0 bits."""
        widths: Counter[int] = Counter()
        for constant in self.constants():
            elements = constant.type.elements or 0
            if constant.type.kind == "tensor" and elements > 1 and constant.type.dtype.startswith(("fp", "float")):
                for bits, count in _stored(constant, elements):
                    widths[bits] += count
        return {str(bits): count for bits, count in sorted(widths.items())}


def take_inventory(package: Path) -> Inventory:
    """Read a package.

    Raises:
        PackageError: it is damaged, or no ML Program.
    """
    opened = open_package(package)
    function = Parser(opened).functions()["main"]
    description = opened.model.description
    return Inventory(tuple(_tensors(description.input)), tuple(_tensors(description.output)), function)


def _tensors(features: Any) -> Iterator[Tensor]:
    for feature in features:
        array = feature.type.multiArrayType
        kind = _ARRAY_TYPES.get(array.dataType, feature.type.WhichOneof("Type") or "unknown")
        yield Tensor(feature.name, tuple(array.shape), kind)


def _stored(constant: Constant, elements: int) -> list[tuple[int, int]]:
    """(bits, count) of a constant's elements as they are stored."""
    if not isinstance(constant, Unpacked):
        return [(constant.type.element.bits, elements)]
    arguments = constant.source.arguments
    match constant.source.type:
        case "constexpr_lut_to_dense" | "constexpr_lut_to_sparse":
            table = arguments["lut"].type.shape
            entries = table[-2] if len(table) > 1 else table[0]
            return [(max(1, math.ceil(math.log2(entries))), elements)]
        case "constexpr_affine_dequantize":
            return [(arguments["quantized_data"].type.element.bits, elements)]
        case "constexpr_blockwise_shift_scale":
            return _stored(arguments["data"], elements)
        case "constexpr_sparse_blockwise_shift_scale":
            return _stored(arguments["nonzero_data"], elements)
        case "constexpr_sparse_to_dense":
            nonzero = arguments["nonzero_data"]
            stored = nonzero.type.elements or 0
            return [*_stored(nonzero, stored), (0, elements - stored)]
        case _:
            return [(constant.type.element.bits, elements)]
