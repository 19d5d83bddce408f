"""Operations: inside the guilty component, which one adds the error, what it is in torch, and what its weights are.

Every operation of the candidate is run alone on the reference program's values: the error of its result is what it
*adds*. Beside it stands the error that the candidate's own run *carries* there. The worst are then put into an
otherwise sound run, one at a time; what that does to the component's output is their *impact*, and ranks them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from sdqa.bundle.diagnosis import Operations, WeightFinding
from sdqa.diagnose.alignment import plain
from sdqa.diagnose.culprit import looked_into, measure_impacts, weight_findings
from sdqa.diagnose.discrepancy import compare_outputs
from sdqa.diagnose.evidence import request_digest
from sdqa.diagnose.harness import Harness
from sdqa.diagnose.ladder import Replay, candidate_of, replays
from sdqa.diagnose.modules import ModuleFinder
from sdqa.diagnose.observation import ComponentRun, as_arrays
from sdqa.diagnose.programs import Candidate, ConstantPair
from sdqa.diagnose.tally import LOST, Tally
from sdqa.mil.program import Program
from sdqa.runtime.asset import is_asset
from sdqa.store import tree_digest

Array = npt.NDArray[Any]

REPLAYS = 3
"""Recorded calls that operations are run on: the first, the middle and the last."""
SOUND_DB = 60.0
"""What a reference program must reach against the teacher to be one."""


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
    if is_asset(harness.evidence.packages[component]):
        return _look_into_asset(harness, component)
    candidate = candidate_of(harness, component)
    finder = ModuleFinder(candidate, harness.evidence.modules_of(component))
    recorded = replays(harness, component, REPLAYS)
    if candidate.reference is None or not _is_sound(candidate.reference, component, recorded[0]):
        from sdqa.diagnose.modules import module_operations

        alone = Candidate(candidate.package, None, checkpoint=candidate.checkpoint)
        return module_operations(harness, component, alone, finder, recorded, weights_of(alone, component))
    weights = weights_of(candidate, component)
    tallies: dict[str, Tally] = {}
    runs = [ComponentRun(candidate, replay) for replay in recorded]
    for run in runs:
        run.observe(tallies)
    impacts = measure_impacts(tallies, lambda node: float(np.mean([min(LOST, run.impact(node)) for run in runs])))
    return looked_into(component, tallies, impacts, weights, candidate.alignment, finder.module_of)


def _look_into_asset(harness: Harness, component: str) -> Operations:
    from sdqa.diagnose.coreai.operations import asset_operations

    evidence = harness.evidence
    reference = evidence.float32.get(component) or evidence.uncompressed.get(component)
    if reference is None:
        words = "no asset converted anew to hold it against"
        return Operations(component=component, reference="package", culprit="", failure=words)
    calls = [dict(replay.call.inputs or {}) for replay in replays(harness, component, REPLAYS)]
    asset, parameters = evidence.packages[component], evidence.checkpoint(component)
    return asset_operations(component, asset, reference, parameters, calls)


def _is_sound(reference: Program, component: str, replay: Replay) -> bool:
    outputs = as_arrays(reference.predict(dict(replay.call.inputs or {})))
    found = compare_outputs(component, replay.call.outputs or {}, outputs)
    return found.finite and found.psnr_db >= SOUND_DB


def weights_of(candidate: Candidate, component: str) -> list[WeightFinding]:
    """Weights of a package that differ from their reference by more than rounding."""

    def parameter(pair: ConstantPair) -> str:
        return candidate.parameters.get(plain(pair.name), pair.source if pair.source != "package" else "")

    return weight_findings(component, candidate.pairs(candidate.plain_program), parameter)
