"""Two programs beside each other, operation by operation: what is only in one, and what differs in both."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sdqa.mil.constants import Constant
from sdqa.mil.graph import Argument, Node
from sdqa.mil.program import Program

MATCHED_BY_POSITION = 20_000
"""Up to this many operations, those whose names differ are aligned by their types."""


@dataclass(frozen=True)
class Difference:
    """One difference between programs A and B."""

    kind: str
    """"only in A", "only in B", "type", "dtype", "shape", "constant", "input" or "interface"."""
    operation: str
    """Name in A, or in B for what is only there."""
    detail: str


def compare_programs(a: Program, b: Program) -> list[Difference]:
    """All differences, in the order of A.

    Operations are matched by name, the rest by their place in the sequence of types, so that a renamed operation is not
    reported as one lost and one new.
    """
    differences = _interface(a, b)
    a_nodes, b_nodes = list(a.function.body.walk()), list(b.function.body.walk())
    pairs, lost, new = _align(a_nodes, b_nodes)
    differences += [Difference("only in A", node.name, node.type) for node in lost]
    names = _renamed(a, pairs)
    for one, other in pairs:
        differences += [*_operation(one, other), *_wiring(one, other, names)]
    differences += _results(a, b, names)
    differences += [Difference("only in B", node.name, node.type) for node in new]
    return differences


@dataclass(frozen=True)
class ValueDifference:
    """How far apart one value lies in two programs that were given the same inputs."""

    name: str
    """In A."""
    name_in_b: str
    type: str
    largest: float
    """The largest absolute difference; NaN where only one of the two is finite."""
    psnr_db: float
    """With the range of A's values as the peak; infinite where they are equal."""


def compare_values(a: Program, b: Program, inputs: Mapping[str, Any]) -> list[ValueDifference]:
    """Run both programs and compare what their matched operations gave, in the order of A.

    Load them with `fuse=False`, so that each operation is executed as written. Values of different shapes are left out.

    Raises:
        InputError: if the inputs do not fit one of the programs.
    """
    (_, seen_a), (_, seen_b) = a.predict(inputs, capture="all"), b.predict(inputs, capture="all")
    pairs, _lost, _new = _align(list(a.function.body.walk()), list(b.function.body.walk()))
    found: list[ValueDifference] = []
    for one, other in pairs:
        for value, partner in zip(one.outputs, other.outputs, strict=False):
            x, y = seen_a.get(value.name), seen_b.get(partner.name)
            if isinstance(x, np.ndarray) and isinstance(y, np.ndarray) and x.shape == y.shape and x.size:
                found.append(ValueDifference(value.name, partner.name, one.type, *_distance(x, y)))
    return found


def not_compared(a: Program, b: Program) -> list[Difference]:
    """What `compare_values` leaves out: operations of one program alone, and values of different shapes."""
    kinds = ("only in A", "only in B", "shape")
    return [difference for difference in compare_programs(a, b) if difference.kind in kinds]


def _distance(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> tuple[float, float]:
    """The largest absolute difference, and the PSNR in dB; infinities and NaNs agree with their like only."""
    wanted, given = x.astype(np.float64), y.astype(np.float64)
    alike = (wanted == given) | (np.isnan(wanted) & np.isnan(given))
    if alike.all():
        return 0.0, math.inf
    with np.errstate(invalid="ignore"):
        error = np.where(alike, 0.0, wanted - given)
    if not np.isfinite(error).all():
        return math.nan, -math.inf
    finite = wanted[np.isfinite(wanted)]
    peak, mean = float(np.ptp(finite)), float(np.mean(error**2))
    return float(np.abs(error).max()), 10 * math.log10(peak**2 / mean) if peak else -math.inf


def _interface(a: Program, b: Program) -> list[Difference]:
    found: list[Difference] = []
    for side, features_a, features_b in (("input", a.inputs, b.inputs), ("output", a.outputs, b.outputs)):
        by_name = {feature.name: feature for feature in features_b}
        for feature in features_a:
            other = by_name.pop(feature.name, None)
            if other != feature:
                detail = f"{side}: {feature} in A, {other if other is not None else 'absent'} in B"
                found.append(Difference("interface", feature.name, detail))
        found += [Difference("interface", name, f"{side}: only in B") for name in by_name]
    return found


def _align(a: Sequence[Node], b: Sequence[Node]) -> tuple[list[tuple[Node, Node]], list[Node], list[Node]]:
    by_name = {(node.name, node.type): node for node in b}
    partner: dict[int, Node] = {}
    for node in a:
        other = by_name.pop((node.name, node.type), None)
        if other is not None:
            partner[id(node)] = other
    taken = {id(node) for node in partner.values()}
    rest_a = [node for node in a if id(node) not in partner]
    rest_b = [node for node in b if id(node) not in taken]
    if max(len(rest_a), len(rest_b)) <= MATCHED_BY_POSITION:
        matcher = difflib.SequenceMatcher(None, [n.type for n in rest_a], [n.type for n in rest_b], autojunk=False)
        for block in matcher.get_matching_blocks():
            for offset in range(block.size):
                partner[id(rest_a[block.a + offset])] = rest_b[block.b + offset]
    taken = {id(node) for node in partner.values()}
    pairs = [(node, partner[id(node)]) for node in a if id(node) in partner]
    return pairs, [node for node in a if id(node) not in partner], [node for node in b if id(node) not in taken]


def _operation(a: Node, b: Node) -> list[Difference]:
    found: list[Difference] = []
    for one, other in zip(a.outputs, b.outputs, strict=False):
        if one.type.dtype != other.type.dtype:
            found.append(Difference("dtype", a.name, f"{a.type}: {one.type.dtype} in A, {other.type.dtype} in B"))
        if one.type.shape != other.type.shape:
            found.append(
                Difference("shape", a.name, f"{a.type}: {list(one.type.shape)} in A, {list(other.type.shape)} in B")
            )
    for key in sorted(set(a.inputs) | set(b.inputs)):
        detail = _argument(a.single(key), b.single(key))
        if detail:
            found.append(Difference("constant", a.name, f"{a.type}.{key}: {detail}"))
    return found


def _renamed(a: Program, pairs: Sequence[tuple[Node, Node]]) -> dict[str, str]:
    """What each value of A is called in B, as far as it is there."""
    names = {value.name: value.name for value in a.function.inputs}
    for one, other in pairs:
        both = [(one.outputs, other.outputs)]
        both += [(mine.inputs, theirs.inputs) for mine, theirs in zip(one.blocks, other.blocks, strict=False)]
        names.update((x.name, y.name) for mine, theirs in both for x, y in zip(mine, theirs, strict=False))
    return names


def _wiring(a: Node, b: Node, names: Mapping[str, str]) -> list[Difference]:
    """Where two operations take values that are not each other's; what has no partner is reported as lost or new."""
    found: list[Difference] = []
    for key in sorted(set(a.inputs) | set(b.inputs)):
        mine, theirs = a.inputs.get(key, []), b.inputs.get(key, [])
        if len(mine) != len(theirs):
            detail = f"{a.type}.{key}: {len(mine)} values in A, {len(theirs)} in B"
            found.append(Difference("input", a.name, detail))
            continue
        for one, other in zip(mine, theirs, strict=True):
            if isinstance(one, str) and isinstance(other, str):
                if _is_another(one, other, names):
                    found.append(Difference("input", a.name, f"{a.type}.{key}: {one} in A, {other} in B"))
            elif len(mine) > 1 and (detail := _argument(one, other)):
                found.append(Difference("constant", a.name, f"{a.type}.{key}: {detail}"))
    if len(a.outputs) != len(b.outputs) or len(a.blocks) != len(b.blocks):
        counts = [f"{len(node.outputs)} results and {len(node.blocks)} blocks" for node in (a, b)]
        found.append(Difference("type", a.name, f"{a.type}: {counts[0]} in A, {counts[1]} in B"))
    for mine_block, theirs_block in zip(a.blocks, b.blocks, strict=False):
        found += _given(a.name, a.type, mine_block.outputs, theirs_block.outputs, names)
    return found


def _is_another(a: str, b: str, names: Mapping[str, str]) -> bool:
    """Whether two values are there in both programs, and are not each other's."""
    return names.get(a, b) != b and b in names.values()


def _results(a: Program, b: Program, names: Mapping[str, str]) -> list[Difference]:
    """Where the programs give other values as their results."""
    name = a.function.name
    return _given(name, "results", a.function.body.outputs, b.function.body.outputs, names)


def _given(
    name: str, kind: str, a: Sequence[Argument], b: Sequence[Argument], names: Mapping[str, str]
) -> list[Difference]:
    found: list[Difference] = []
    for place, (one, other) in enumerate(zip(a, b, strict=False)):
        if isinstance(one, str) and isinstance(other, str):
            detail = f"{one} in A, {other} in B" if _is_another(one, other, names) else ""
        else:
            detail = _argument(one, other)
        if detail:
            found.append(Difference("input", name, f"{kind}[{place}]: {detail}"))
    return found


def _argument(a: Any, b: Any) -> str:
    """How two constant arguments differ; empty where they do not, or where either is computed."""
    if not isinstance(a, Constant) or not isinstance(b, Constant):
        return "" if isinstance(a, Constant) == isinstance(b, Constant) else "constant on one side only"
    one, other = a.read(), b.read()
    if not isinstance(one, np.ndarray) or not isinstance(other, np.ndarray):
        return "" if one == other else f"{one!r} in A, {other!r} in B"
    if one.shape != other.shape:
        return f"shape {list(one.shape)} in A, {list(other.shape)} in B"
    if one.dtype.kind != "f" and other.dtype.kind != "f":
        return "" if np.array_equal(one, other) else f"{_short(one)} in A, {_short(other)} in B"
    if one.dtype == other.dtype and np.array_equal(one, other, equal_nan=True):
        return ""
    first, second = one.astype(np.float64), other.astype(np.float64)
    worst = float(np.max(np.abs(first - second))) if first.size else 0.0
    names = "" if one.dtype == other.dtype else f"{one.dtype} in A, {other.dtype} in B; "
    if worst == 0.0:
        return names + "equal values" if names else ""
    return f"{names}values differ by up to {worst:.3g}"


def _short(values: np.ndarray[Any, Any]) -> str:
    return str(values.tolist()) if values.size <= 8 else f"{values.dtype}{list(values.shape)}"
