"""Operations: inside the guilty component, which one adds the error, what it is in torch, and what its weights are.

Every operation of the candidate is run alone on the reference program's values: the error of its result is what it
*adds*. Beside it stands the error that the candidate's own run *carries* there. The worst are then put into an
otherwise sound run, one at a time; what that does to the component's output is their *impact*, and ranks them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sdqa.bundle.diagnosis import OperationFinding, Operations, WeightFinding
from sdqa.diagnose.alignment import plain
from sdqa.diagnose.discrepancy import compare_outputs, decibel
from sdqa.diagnose.evidence import request_digest
from sdqa.diagnose.harness import Harness
from sdqa.diagnose.ladder import Replay, candidate_of, replays
from sdqa.diagnose.modules import ModuleFinder
from sdqa.diagnose.observation import LOST, ComponentRun, Tally, as_arrays
from sdqa.diagnose.programs import Candidate
from sdqa.diagnose.weights import compare_weight
from sdqa.mil.program import Program
from sdqa.store import tree_digest

Array = npt.NDArray[Any]

REPLAYS = 3
"""Recorded calls that operations are run on: the first, the middle and the last."""
TRIED = 12
"""Operations whose impact on the component's output is measured."""
SOUND_DB = 60.0
"""What a reference program must reach against the teacher to be one."""
COMPARABLE = 0.3
"""Of operations whose impact is at least this share of the largest, the first one is named: where the two part."""
LISTED_WEIGHTS = 12


def operations(harness: Harness, component: str, *, progress: Callable[[str], None] | None = None) -> Operations:
    """Look into one component.

    Returns:
        All operations in the order of execution, the culprit first among equals by impact, and conspicuous weights.
    """
    evidence = harness.evidence
    reference = evidence.float32.get(component) or evidence.uncompressed.get(component)
    key = {
        "component": component,
        "candidate": tree_digest(evidence.packages[component]),
        "reference": tree_digest(reference) if reference else "",
        "cases": [request_digest(case.request) for case in evidence.cases],
    }

    def look() -> Operations:
        if progress:
            progress(f"operations: {component}")
        return _look(harness, component)

    return harness.remembered("operations", key, Operations, look)


def _look(harness: Harness, component: str) -> Operations:
    candidate = candidate_of(harness, component)
    finder = ModuleFinder(candidate, harness.evidence.modules_of(component))
    recorded = replays(harness, component, REPLAYS)
    if candidate.reference is None or not _is_sound(candidate.reference, component, recorded[0]):
        from sdqa.diagnose.modules import module_operations

        alone = Candidate(candidate.package, None, checkpoint=candidate.checkpoint)
        return module_operations(harness, component, alone, finder, recorded, weight_findings(alone, component))
    weights = weight_findings(candidate, component)
    tallies: dict[str, Tally] = {}
    runs = [ComponentRun(candidate, replay) for replay in recorded]
    for run in runs:
        run.observe(tallies)
    impacts = _impacts(runs, tallies)
    culprit = _culprit(tallies, impacts, weights, candidate.alignment.removed)
    return Operations(
        component=component,
        reference="package",
        culprit=culprit,
        operations=tuple(_finding(component, tally, impacts, finder) for tally in tallies.values()),
        weights=listed(weights, culprit),
        inserted=candidate.alignment.inserted,
        removed=candidate.alignment.removed,
    )


def _is_sound(reference: Program, component: str, replay: Replay) -> bool:
    outputs = as_arrays(reference.predict(dict(replay.call.inputs or {})))
    found = compare_outputs(component, replay.call.outputs or {}, outputs)
    return found.finite and found.psnr_db >= SOUND_DB


def _impacts(runs: Sequence[ComponentRun], tallies: Mapping[str, Tally]) -> dict[str, float]:
    """Mean impact over the replays of the operations that add most."""
    adding = [tally for tally in tallies.values() if tally.added and np.mean(tally.added) > 0]
    worst = sorted(adding, key=lambda tally: -float(np.mean(tally.added)))[:TRIED]
    return {tally.node.name: float(np.mean([min(LOST, run.impact(tally.node)) for run in runs])) for tally in worst}


def _culprit(
    tallies: Mapping[str, Tally],
    impacts: Mapping[str, float],
    weights: Sequence[WeightFinding],
    removed: Sequence[str],
) -> str:
    """The operation with the largest impact, the first in order among those that lose everything.

    Where its own weights are right, what was inserted before it, or is missing there, is to blame; what was inserted
    under the name of what is missing took its place.
    """
    lost = [name for name in tallies if impacts.get(name, 0.0) >= LOST]
    ranked = lost or sorted(impacts, key=lambda name: -impacts[name])
    if not ranked:
        return ""
    comparable = [name for name in ranked if impacts[name] >= COMPARABLE * impacts[ranked[0]]]
    first = next(name for name in tallies if name in comparable)
    broken = {one.operation for one in weights if not one.quantised}
    blamed = tallies[first].blame
    if not blamed or first in broken:
        return first
    if blamed not in tallies:  # missing from the candidate
        return blamed
    if plain(blamed) in {plain(name) for name in removed}:
        tallies[blamed].note(f"a {tallies[blamed].node.type} takes the place of the sound conversion's operation")
        return blamed
    return _host(blamed, first, tallies)


def _host(inserted: str, user: str, tallies: Mapping[str, Tally]) -> str:
    """The sound operation that an inserted one follows, or that takes it where it follows an input of the program."""
    makers = {value.name: name for name, tally in tallies.items() for value in tally.node.outputs}
    before = [makers[name] for name in tallies[inserted].node.names_used() if name in makers]
    host = before[0] if before else user
    place = "its result goes" if before else "what it takes goes"
    node = tallies[inserted].node
    tallies[host].note(f"{place} through {node.type} {inserted}, which is not in a sound conversion")
    tallies[host].findings.extend(
        finding for finding in tallies[inserted].findings if finding not in tallies[host].findings
    )
    return host


def _finding(component: str, tally: Tally, impacts: Mapping[str, float], finder: ModuleFinder) -> OperationFinding:
    node = tally.node
    impact = impacts.get(node.name)
    return OperationFinding(
        component=component,
        name=node.name,
        type=node.type,
        module=finder.module_of(node),
        added_db=_decibel(tally.added),
        carried_db=_decibel(tally.carried),
        impact_db=None if impact is None else _decibel([impact]),
        finite=not tally.nonfinite,
        low=tally.low if math.isfinite(tally.low) else 0.0,
        high=tally.high if math.isfinite(tally.high) else 0.0,
        findings=tuple(tally.findings),
    )


def weight_findings(candidate: Candidate, component: str) -> list[WeightFinding]:
    """Weights that differ from their reference by more than rounding, the most different first."""
    found: dict[str, WeightFinding] = {}
    for pair in candidate.pairs(candidate.plain_program):
        value = pair.value
        if value.size < 2:
            continue
        compared = compare_weight(pair.reference, value)
        if compared.ordinary:
            continue
        name = pair.constant.name or f"{pair.node.name}.{pair.argument}"
        found[name] = WeightFinding(
            component=component,
            name=name,
            operation=pair.node.name,
            parameter=candidate.parameters.get(plain(name), pair.source if pair.source != "package" else ""),
            relative_error=compared.relative_error,
            cosine=compared.cosine,
            verdict=compared.verdict,
            evidence=compared.evidence,
            quantised=pair.compressed or (compared.quantised and compared.factor is None),
        )
    return sorted(found.values(), key=lambda one: (one.quantised, -one.relative_error, one.name))


def listed(weights: Sequence[WeightFinding], culprit: str) -> tuple[WeightFinding, ...]:
    """The most conspicuous weights, the culprit's own first."""
    return tuple(sorted(weights, key=lambda one: one.operation != culprit)[:LISTED_WEIGHTS])


def _decibel(noises: Sequence[float]) -> float:
    """Mean noise in dB; NaN when anything was lost, the ceiling when nothing was measured."""
    if not noises:
        return decibel(0.0)
    mean = float(np.mean(noises))
    return math.nan if max(noises) >= LOST else decibel(mean)
