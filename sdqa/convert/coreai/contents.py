"""What an asset holds, read back from its file: inputs and outputs, operations, weights at their stored bits, costs.

Core AI's parser can end the process on a malformed program, so this runs in one of its own (`sdqa.convert.isolate`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sdqa.convert.budget import ComponentCost
from sdqa.convert.contract import Tensor
from sdqa.convert.coreai.constants import CONSTANT, UNPACKING, Array, dense, elements_of
from sdqa.convert.coreai.cost import measure_cost
from sdqa.convert.coverage import SMALL
from sdqa.errors import PackageError
from sdqa.runtime.asset import open_asset
from sdqa.runtime.coreai import require_coreai

FUNCTION = "main"
DTYPES = {"f16": "float16", "f32": "float32", "si32": "int32", "i32": "int32"}
"""Core AI's names to the contract's; others stay as they are."""


@dataclass(frozen=True)
class Weight:
    """A constant, or what compressed constants stand for, as an operation reads it."""

    name: str
    values: Array
    bits: int
    compression: str  # how it is stored; empty where plainly


@dataclass(frozen=True)
class Contents:
    """An asset's program."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    histogram: dict[str, int]
    program: Any

    def weights(self) -> Iterator[Weight]:
        """The arrays that operations read, each once, in order; compressed ones unpacked."""
        for index, operation in enumerate(constant_sources(self.program)):
            found = dense(operation)
            if found is None:
                raise PackageError("a compressed weight is stored in a way that is not known", where=operation.name)
            values, bits, how = found
            yield Weight(f"constant_{index}{'_' + how if how else ''}", values, bits, how)

    def bit_widths(self) -> dict[str, int]:
        """Stored bits to number of weights; what pruning leaves out counts as 0 bits."""
        widths: Counter[int] = Counter()
        for weight in self.weights():
            if weight.values.dtype.kind == "f" and weight.values.size >= SMALL:
                left = int((weight.values == 0).sum()) if weight.compression == "pruned" else 0
                widths.update({0: left, weight.bits: weight.values.size - left})
        return {str(bits): count for bits, count in sorted(widths.items()) if count}

    def cost(self, component: str) -> ComponentCost:
        """What one run asks for."""
        return measure_cost(component, graphs_of(self.program), FUNCTION)


def read_contents(path: Path) -> Contents:
    """Parse an asset.

    Raises:
        RuntimeUnavailable: Core AI is not installed.
        PackageError: it is damaged, or has no function `main`.
    """
    require_coreai()
    opened = open_asset(path)
    from coreai.authoring import AIModelAsset

    try:
        program = AIModelAsset.load(opened.path).program
    except (RuntimeError, ValueError, OSError) as error:
        raise PackageError(f"Core AI cannot read the asset: {error}", where=str(path)) from error
    graph = graphs_of(program).get(FUNCTION)
    if graph is None:
        raise PackageError(f"the asset has no function {FUNCTION!r}", where=str(path))
    operations = list(graph.regions[0].blocks[0].operations)
    names = [str(each["coreai.name"]).strip('"') for each in graph.opview.arg_attrs]
    given = [str(each["coreai.name"]).strip('"') for each in graph.attributes["res_attrs"]]
    return Contents(
        tuple(map(_tensor, names, graph.regions[0].blocks[0].arguments)),
        tuple(map(_tensor, given, operations[-1].operands)),
        dict(sorted(Counter(kind_of(each) for each in walk(program) if each.name != CONSTANT).items())),
        program,
    )


def walk(program: Any) -> Iterator[Any]:
    """Every operation of every graph, in order."""
    for graph in graphs_of(program).values():
        for operation in graph.regions[0].blocks[0].operations:
            yield operation.operation


def graphs_of(program: Any) -> dict[str, Any]:
    """The program's graphs by name: its functions, and those that they invoke."""
    graphs = (each.operation for each in program._module._mlir_module.body.operations)
    return {str(each.attributes["sym_name"]).strip('"'): each for each in graphs if each.name == "coreai.graph"}


def kind_of(operation: Any) -> str:
    """An operation's type without its dialect."""
    return str(operation.name).removeprefix("coreai.")


def constant_sources(program: Any) -> Iterator[Any]:
    """Constants of more than one element and unpacking operations, but for those that only feed an unpacking one."""
    for operation in walk(program):
        unpacks = kind_of(operation) in UNPACKING
        if (operation.name != CONSTANT and not unpacks) or elements_of(operation.result) <= 1:
            continue
        users = [kind_of(use.owner.operation) for use in operation.result.uses]
        if not users or any(user not in UNPACKING for user in users):
            yield operation


def _tensor(name: str, value: Any) -> Tensor:
    kind = str(value.type.element_type)
    return Tensor(name, tuple(value.type.shape), DTYPES.get(kind, kind))


def without_copies(values: Array) -> Array:
    """One of several equal slices along the first axis: the converter stores a weight once for each row of a batch."""
    while values.ndim > 1 and values.size > SMALL and (values == values[:1]).all():
        values = values[0]
    return np.ascontiguousarray(values)


def oriented(values: Array, parameters: Iterable[Array]) -> Array:
    """A compressed matrix the way round in which it is like a parameter: the converter stores those of layers turned.

    Compressed values are compared element by element, where equal ones need no order.
    """
    if values.ndim != 2:
        return values
    alike = [each.ravel().astype(np.float32) for each in parameters if each.size == values.size]
    ways = [np.ascontiguousarray(values), np.ascontiguousarray(values.T)]
    flat = [way.ravel().astype(np.float32) for way in ways]
    likeness = [
        max((float(way @ each) / (float(np.linalg.norm(each)) or 1.0) for each in alike), default=0.0) for way in flat
    ]
    return ways[int(np.argmax(likeness))]
