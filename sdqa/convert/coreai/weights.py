"""The weights of a Core AI program, unpacked, and as near to how a checkpoint has them as their values tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sdqa.convert.coreai.constants import Array, dense
from sdqa.convert.coreai.contents import constant_sources
from sdqa.convert.coverage import SMALL
from sdqa.errors import PackageError


@dataclass(frozen=True)
class Weight:
    """A constant, or what compressed constants stand for, as an operation reads it."""

    name: str
    values: Array
    bits: int
    compression: str = ""  # how it is stored; empty where plainly
    blocks: tuple[int, ...] | None = None  # of a compressed one: how many tables or scales along each axis


def weights_of(program: Any) -> Iterator[Weight]:
    """The arrays that operations read, each once, in order; compressed ones unpacked.

    Raises:
        PackageError: one is compressed in a way that is not known.
    """
    for index, operation in enumerate(constant_sources(program)):
        found = dense(operation)
        if found is None:
            raise PackageError("a compressed weight is stored in a way that is not known", where=operation.name)
        name = f"constant_{index}{'_' + found.compression if found.compression else ''}"
        yield Weight(name, found.values, found.bits, found.compression, found.blocks)


def bit_widths(weights: Iterable[Weight]) -> dict[str, int]:
    """Stored bits to number of weights; what pruning leaves out counts as 0 bits."""
    widths: Counter[int] = Counter()
    for weight in weights:
        if weight.values.dtype.kind == "f" and weight.values.size >= SMALL:
            left = int((weight.values == 0).sum()) if weight.compression == "pruned" else 0
            widths.update({0: left, weight.bits: weight.values.size - left})
    return {str(bits): count for bits, count in sorted(widths.items()) if count}


def without_copies(weight: Weight) -> Weight:
    """One of several equal slices along the first axis: the converter stores a weight for each row of a batch."""
    values, blocks = weight.values, weight.blocks
    while values.ndim > 1 and values.size > SMALL and (values == values[:1]).all():
        values, blocks = values[0], blocks[1:] if blocks is not None else None
    return replace(weight, values=np.ascontiguousarray(values), blocks=blocks)


def oriented(weight: Weight, parameters: Iterable[Array]) -> Weight:
    """A compressed matrix the way round in which it is like a parameter: the converter stores those of layers turned.

    Compressed values are compared element by element, where equal ones need no order.
    """
    values = weight.values
    if values.ndim != 2:
        return weight
    alike = [each.ravel().astype(np.float32) for each in parameters if each.size == values.size]
    turned = replace(weight, values=np.ascontiguousarray(values.T), blocks=weight.blocks and weight.blocks[::-1])
    ways = [weight, turned]
    likeness = [
        max((float(way @ each) / (float(np.linalg.norm(each)) or 1.0) for each in alike), default=0.0)
        for way in (one.values.ravel().astype(np.float32) for one in ways)
    ]
    return ways[int(np.argmax(likeness))]
