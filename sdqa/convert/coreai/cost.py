"""What one run of an asset asks for: its weights, the values that live at one time, its arithmetic."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sdqa.convert.budget import ComponentCost
from sdqa.convert.coreai.constants import CONSTANT, UNPACKING, bits_of, elements_of


def measure_cost(component: str, graphs: Mapping[str, Any], function: str) -> ComponentCost:
    """Costs of one function; graphs that it invokes count each time.

    Stored weights are the constants; unpacked ones are what unpacking operations give instead.
    """
    stored = unpacked = 0
    for graph in graphs.values():
        for operation in _operations(graph):
            if operation.name == CONSTANT:
                stored += _bytes(operation.result)
                feeds = [_kind(use.owner.operation) for use in operation.result.uses]
                unpacked += _bytes(operation.result) if any(kind not in UNPACKING for kind in feeds) else 0
            elif _kind(operation) in UNPACKING:
                unpacked += _bytes(operation.result)
    live, flops, moved = _run(graphs[function], graphs)
    return ComponentCost(component, stored, unpacked, live, flops, moved)


def _run(graph: Any, graphs: Mapping[str, Any]) -> tuple[int, int, int]:
    """Peak of live bytes, arithmetic, bytes moved."""
    operations = [each for each in _operations(graph) if each.name != CONSTANT and _kind(each) not in UNPACKING]
    last: dict[Any, int] = {}
    for index, operation in enumerate(operations):
        for operand in operation.operands:
            last[operand] = index
    live = {value: _bytes(value) for value in graph.regions[0].blocks[0].arguments}
    current = peak = sum(live.values())
    flops = moved = 0
    for index, operation in enumerate(operations):
        inner = 0
        if _kind(operation) == "invoke":
            inner, added, inside = _run(graphs[_callee(operation)], graphs)
            flops += added
            moved += inside
        else:
            flops += _flops(operation)
            moved += sum(map(_bytes, operation.operands)) + sum(map(_bytes, operation.results))
        for result in operation.results:
            live[result] = _bytes(result)
            current += live[result]
        peak = max(peak, current + inner)
        for value in {*operation.operands, *operation.results}:
            if value in live and last.get(value, index) <= index:
                current -= live.pop(value)
    return peak, flops, moved


def _operations(graph: Any) -> list[Any]:
    return [each.operation for each in graph.regions[0].blocks[0].operations]


def _kind(operation: Any) -> str:
    return str(operation.name).rpartition(".")[2]


def _callee(operation: Any) -> str:
    return str(operation.attributes["callee"]).partition("@")[2].partition(">")[0].strip('"')


def _bytes(value: Any) -> int:
    return -(-elements_of(value) * bits_of(value) // 8) if elements_of(value) else 0


def _flops(operation: Any) -> int:
    """Two for a multiplication and an addition; one an element for what is neither a product nor a rearrangement."""
    kind, result = _kind(operation), operation.results[0] if len(operation.results) else None
    if result is None:
        return 0
    if kind.startswith("conv"):
        weight = operation.operands[1].type.shape
        return 2 * elements_of(result) * int(math.prod(weight[1:]))
    if kind in {"batch_matmul", "broadcasting_batch_matmul"}:
        return 2 * elements_of(result) * int(operation.operands[0].type.shape[-1])
    return 0 if kind in REARRANGING else elements_of(result)


REARRANGING = frozenset(
    {
        *("reshape", "transpose", "broadcast_in_dims", "broadcast_to", "slice", "concat", "split", "pad", "gather_nd"),
        *("cast", "get_shape", "broadcast_shapes", "output", "interpolate"),
    }
)
"""Operations that move values and compute none."""
