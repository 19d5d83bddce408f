"""The torch side of an operation: its module's dotted name, and what that module itself gives.

Where no sound reference package exists (the converter itself may be wrong), the torch modules are the reference: each
is run on the teacher's inputs, and the candidate's results are held against theirs at the module's last operation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sdqa.bundle.diagnosis import OperationFinding, Operations, WeightFinding
from sdqa.diagnose.alignment import plain
from sdqa.diagnose.discrepancy import compare, decibel
from sdqa.diagnose.fingerprint import fingerprint
from sdqa.diagnose.harness import Harness
from sdqa.diagnose.programs import Candidate
from sdqa.errors import ExecutionError
from sdqa.generate.teacher import teacher_runners
from sdqa.mil.constants import Constant
from sdqa.mil.graph import Node

if TYPE_CHECKING:
    from sdqa.diagnose.ladder import Replay

Array = npt.NDArray[Any]
PARTED_DB = 45.0
"""Carried error below which the candidate has parted from the teacher: fp16 alone stays above."""
LEAST_ELEMENTS = 8


class ModuleFinder:
    """Names modules: by the sidecar, by the parameters an operation takes, or by its neighbours' modules."""

    def __init__(self, candidate: Candidate, names: Mapping[str, str]) -> None:
        self._candidate = candidate
        self._names = {**{plain(key): value for key, value in names.items()}, **names}
        self._by_value = {fingerprint(value): name for name, value in candidate.checkpoint.items()}
        nodes = candidate.plain_program.function.body.nodes
        self._makers = {value.name: node for node in nodes for value in node.outputs}
        reference = candidate.reference
        self._partners = {node.name: node for node in reference.function.body.nodes} if reference else {}

    def module_of(self, node: Node) -> str:
        """Dotted name of the operation's torch module; that of its first input where it has none of its own."""
        own = self._own_module(node)
        if own or self._candidate.alignment.operations.get(node.name):
            return own
        source = self._makers.get(next(iter(node.names_used()), ""))
        return self.module_of(source) if source is not None else ""

    def _own_module(self, node: Node) -> str:
        partner = self._partners.get(self._candidate.alignment.operations.get(node.name, ""))
        for one in (node, partner):
            if one is not None:
                parameter = self._parameter_of(one)
                if parameter:
                    return parameter.rpartition(".")[0]
        for one in (node, partner):
            for name in (*(value.name for value in one.outputs), one.name) if one is not None else ():
                found = self._names.get(name) or self._names.get(plain(name))
                if found:
                    return found
        return ""

    def _parameter_of(self, node: Node) -> str:
        for items in node.inputs.values():
            for item in items:
                if isinstance(item, Constant) and item.type.dtype.startswith("fp"):
                    named = self._candidate.parameters.get(plain(item.name))
                    if named:
                        return named
                    if (item.type.elements or 0) >= LEAST_ELEMENTS:
                        by_value = self._by_value.get(fingerprint(np.asarray(item.read())))
                        if by_value:
                            return by_value
        return ""


def module_operations(
    harness: Harness,
    component: str,
    candidate: Candidate,
    finder: ModuleFinder,
    recorded: Sequence[Replay],
    weights: Sequence[WeightFinding],
) -> Operations:
    """Operations against torch modules: the error carried at each module's last operation, and the first divergence."""
    nodes = candidate.plain_program.function.body.nodes
    modules = {node.name: finder.module_of(node) for node in nodes}
    last: dict[str, list[Node]] = {}
    for node in nodes:
        if modules[node.name]:
            last.setdefault(modules[node.name], []).append(node)
    carried: dict[str, list[float]] = {}
    ranges: dict[str, tuple[float, float, bool]] = {}
    for replay in recorded:
        inputs = dict(replay.call.inputs or {})
        results = module_results(harness, component, inputs)
        try:
            values = candidate.plain_program.predict(inputs, capture="all")[1]
        except ExecutionError:
            values = {}
        for node in nodes:
            own = values.get(node.outputs[0].name) if node.outputs else None
            if isinstance(own, np.ndarray) and own.dtype.kind == "f" and own.size:
                finite = own[np.isfinite(own)]
                low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
                ranges[node.name] = (low, high, finite.size == own.size)
        for module, expected in results.items():
            for node in reversed(last.get(module, [])):
                own = values.get(node.outputs[0].name) if node.outputs else None
                if isinstance(own, np.ndarray) and own.size == expected.size:
                    carried.setdefault(node.name, []).append(_carried(expected, own))
                    break
    findings = []
    for node in nodes:
        low, high, known = ranges.get(node.name, (0.0, 0.0, True))
        noise = float(np.mean(carried[node.name])) if node.name in carried else 0.0
        level = (math.nan if math.isinf(noise) else decibel(noise)) if node.name in carried else math.nan
        findings.append((node, level, low, high, known))
    culprit = _first_divergence(findings, carried, weights)
    return Operations(
        component=component,
        reference="torch",
        culprit=culprit,
        operations=tuple(
            OperationFinding(
                component=component,
                name=node.name,
                type=node.type,
                module=modules[node.name],
                added_db=level if node.name == culprit else decibel(0.0),
                carried_db=level,
                finite=finite,
                low=low,
                high=high,
                findings=("parts from the torch module here",) if node.name == culprit else (),
            )
            for node, level, low, high, finite in findings
            if node.name in carried or node.name == culprit or not finite
        ),
        weights=tuple(weights[:12]),
    )


def _carried(expected: Array, own: Array) -> float:
    """Noise, in whichever of the layouts that converters use fits best: as it is, or channels moved."""
    layouts = [expected]
    if expected.ndim in (3, 4):
        layouts += [np.moveaxis(expected, -1, 1), np.moveaxis(expected, 1, -1)]
    return min(compare(layout.reshape(own.shape), own).noise for layout in layouts)


def _first_divergence(
    findings: Sequence[tuple[Node, float, float, float, bool]],
    carried: Mapping[str, Sequence[float]],
    weights: Sequence[WeightFinding],
) -> str:
    wrong = [finding for finding in weights if not finding.quantised]
    if wrong:
        return wrong[0].operation
    for node, level, _, _, finite in findings:
        if not finite or (node.name in carried and not level >= PARTED_DB):
            return node.name
    return ""


def module_results(harness: Harness, component: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """What every innermost torch module of a component gives on the teacher's inputs, by the sidecars' dotted names."""
    import torch

    parts = harness.evidence.parts
    roots = harness.evidence.family.component(component).modules(parts)
    results: dict[str, Array] = {}
    handles = []

    def keep(name: str) -> Any:
        def hook(module: Any, given: Any, result: Any) -> None:  # noqa: ARG001 - torch's signature
            if isinstance(result, torch.Tensor):
                results[name] = result.detach().float().cpu().numpy().copy()

        return hook

    for prefix, root in roots.items():
        if root is not None:
            for name, module in root.named_modules():
                if not any(module.children()):  # a container's last operation may be any of its own
                    handles.append(module.register_forward_hook(keep(f"{prefix}.{name}".rstrip("."))))
    try:
        teacher_runners(parts, harness.evidence.family)[component].run(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return results
