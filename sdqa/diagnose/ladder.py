"""Ladder: each component alone, teacher-forced on the recorded inputs, one stage after another.

teacher → program in fp32 (conversion) → declared precision → compressed (quantisation) → declared runtime. The error
that a rung adds is measured against the rung before it, so a loss belongs to the stage that made it; all rungs come
from the candidate's own package (see `sdqa.diagnose.programs`), and the references only say what to put back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sdqa.bundle.diagnosis import Ladder, Rung, StepError
from sdqa.diagnose.discrepancy import Discrepancy, compare_outputs, decibel
from sdqa.diagnose.evidence import Evidence, glue_digest, request_digest
from sdqa.diagnose.harness import Harness
from sdqa.diagnose.programs import Candidate, ProgramRunner
from sdqa.diagnose.rungs import NORMAL_DB, ROUNDED_DB, SAME_RUNTIME_DB, Way
from sdqa.errors import ContractError, DiagnosisError, ExecutionError
from sdqa.runtime import Arrays, Call, Runner
from sdqa.runtime.asset import is_asset
from sdqa.runtime.engine import ENGINE_DB
from sdqa.runtime.registry import on_device
from sdqa.store import tree_digest

Outputs = dict[str, np.ndarray[Any, np.dtype[Any]]]

MAX_CALLS = 96
"""Calls of one component that are replayed, evenly spaced over all of them: every one, for suites of usual size."""


def runtime_db(evidence: Evidence, component: str) -> float:
    """What executing a component's package may add."""
    wrapper = evidence.wrappers.get(component)
    if evidence.load is None or is_asset(evidence.packages[component]):
        return wrapper.normal_db if wrapper is not None and wrapper.normal_db is not None else SAME_RUNTIME_DB
    return ENGINE_DB if on_device(evidence.runtime) else NORMAL_DB["runtime"]


@dataclass(frozen=True)
class Replay:
    """One recorded call of the teacher."""

    call: Call
    timestep: float  # NaN for components that have none
    case: str


def replays(harness: Harness, component: str, limit: int = MAX_CALLS) -> list[Replay]:
    """The teacher's calls of a component over all cases.

    Raises:
        DiagnosisError: no case uses the component.
    """
    found: list[Replay] = []
    for case in harness.evidence.cases:
        recorder = harness.trace(case).recorders.get(component)
        for call in recorder.calls if recorder else ():
            steps = (call.inputs or {}).get("timestep")
            timestep = math.nan if steps is None else float(np.ravel(steps)[0])
            found.append(Replay(call, timestep, case.name))
    if not found:
        raise DiagnosisError("no case runs the component", where=component, hint="add a case with a source image")
    if len(found) > limit:
        found = [found[int(index)] for index in np.linspace(0, len(found) - 1, limit)]
    return found


def ladder(harness: Harness, component: str, *, progress: Callable[[str], None] | None = None) -> Ladder:
    """Climb one component's ladder."""
    evidence = harness.evidence
    wrapped = component in evidence.wrappers or evidence.load is not None
    key = {
        "component": component,
        "candidate": evidence.identities[component],
        "others": evidence.identities if wrapped else {},
        "glue": glue_digest(evidence.glue) if wrapped and evidence.glue else "",
        "references": {
            kind: tree_digest(packages[component])
            for kind, packages in (("float32", evidence.float32), ("uncompressed", evidence.uncompressed))
            if component in packages
        },
        "cases": [request_digest(case.request) for case in evidence.cases],
    }

    def climb() -> Ladder:
        if progress:
            progress(f"ladder: {component}")
        return _climb(harness, component)

    return harness.remembered("ladder", key, Ladder, climb)


def candidate_of(harness: Harness, component: str) -> Candidate:
    """The component's package beside its best reference."""
    evidence = harness.evidence
    reference = evidence.float32.get(component) or evidence.uncompressed.get(component)
    return Candidate(
        evidence.packages[component],
        reference,
        checkpoint=evidence.checkpoint(component),
    )


@dataclass(frozen=True)
class _Climbed:
    """One rung's comparisons, call by call."""

    way: Way
    against: list[Discrepancy]  # the teacher
    added: list[Discrepancy]  # to the rung before


def ways(harness: Harness, component: str) -> list[Way]:
    """The rungs of one component's ladder, as its package's format has them."""
    asset = is_asset(harness.evidence.packages[component])
    if asset:
        from sdqa.diagnose.coreai.ladder import asset_ways

        found = asset_ways(harness, component)
    else:
        found = _program_ways(harness, component)
    if component in harness.evidence.wrappers or (harness.evidence.load and not asset):
        name = harness.evidence.runtime + (" as wrapped" if component in harness.evidence.wrappers else "")
        level = runtime_db(harness.evidence, component)
        found.append(Way(f"runtime: {name}", "runtime", lambda: _Fresh(harness, component), level))
    return found


def _program_ways(harness: Harness, component: str) -> list[Way]:
    candidate = candidate_of(harness, component)
    plain = candidate.restored(precision="float32", rounding=True)
    note = f"{plain.unmatched} compressed constants have no reference" if plain.unmatched else ""
    if not plain.exact:
        note = "; ".join([*([note] if note else []), "weights are rounded to half precision already"])
    conversion = NORMAL_DB["conversion"] if plain.exact else ROUNDED_DB
    found = [Way("program fp32", "conversion", lambda: ProgramRunner(component, plain.program), conversion, note)]
    if not plain.compressed:
        level = NORMAL_DB["precision"]
        return [*found, Way("declared precision", "precision", lambda: _reference(harness, component), level)]
    declared = candidate.restored(precision="declared", rounding=False)
    # A package that says nothing of compression has no right to its losses.
    level = NORMAL_DB["quantisation"] if plain.stored else NORMAL_DB["conversion"]
    return [
        *found,
        Way(
            "declared precision",
            "precision",
            lambda: ProgramRunner(component, declared.program),
            NORMAL_DB["precision"],
            note,
        ),
        Way("compressed", "quantisation", lambda: _reference(harness, component), level),
    ]


def _climb(harness: Harness, component: str) -> Ladder:
    recorded = replays(harness, component)
    before = [replay.call.outputs or {} for replay in recorded]
    climbed: list[_Climbed] = []
    for way in ways(harness, component):
        outputs = _outputs(way, recorded)
        against = [
            compare_outputs(component, replay.call.outputs or {}, output)
            for replay, output in zip(recorded, outputs, strict=True)
        ]
        added = [_added(component, old, new) for old, new in zip(before, outputs, strict=True)]
        climbed.append(_Climbed(way, against, added))
        before = outputs
    if climbed[-1].way.stage == "runtime":
        climbed[-1].added.extend(_own_run(harness, component))
    energies = [sum(_finite(one.noise) for one in rung.added) for rung in climbed]
    total = sum(energies)
    return Ladder(
        component=component,
        rungs=tuple(
            _rung(rung, recorded, energy / total if total else 0.0)
            for rung, energy in zip(climbed, energies, strict=True)
        ),
    )


def _outputs(way: Way, recorded: Sequence[Replay]) -> list[Outputs]:
    """What a rung gives for every recorded call; a process of its own ends with it."""
    runner = way.make()
    outputs = []
    for replay in recorded:
        if isinstance(runner, _Fresh):
            runner.enter(replay.case)
        outputs.append(_run(runner, replay))
    end = getattr(runner, "close", None)
    if end is not None:
        end()
    return outputs


def _own_run(harness: Harness, component: str) -> list[Discrepancy]:
    """What the runtime adds on the candidate's own inputs, end to end: some faults only show on certain values."""
    evidence = harness.evidence
    plain = _reference(harness, component)
    found = []
    for case in evidence.cases:
        try:
            made = harness.candidate_run(case)
        except (ContractError, ExecutionError):  # it fails on the teacher's inputs too, or it is not this component
            continue
        for call in made.recorders[component].calls if component in made.recorders else ():
            expected = plain.run(call.inputs or {})
            found.append(_added(component, expected, call.outputs or {}))
    return found


def _reference(harness: Harness, component: str) -> Runner:
    from sdqa.runtime.reference import ReferenceRunner

    package = harness.evidence.packages[component]
    if harness.evidence.load and not is_asset(package):
        return ReferenceRunner(component, package)
    return harness.package_runner(component)


class _Fresh:
    """The candidate as it really runs; wrappers, which may count calls, are made anew for every case."""

    def __init__(self, harness: Harness, component: str) -> None:
        self.component, self._bench, self._case = component, harness, ""
        self._runner: Runner | None = None

    def enter(self, case: str) -> None:
        """Begin a generation, if it is another than before."""
        if case != self._case or self._runner is None:
            self._case, self._runner = case, self._bench.runner(self.component, candidate=True)

    def run(self, inputs: Arrays) -> Outputs:
        """One forward pass."""
        if self._runner is None:
            raise DiagnosisError("a case has to be entered first", where=self.component)
        return self._runner.run(inputs)


def _run(runner: Runner | _Fresh, replay: Replay) -> Outputs:
    """Outputs of one call; none where the component failed, which counts as everything lost."""
    try:
        return runner.run(replay.call.inputs or {})
    except ExecutionError:
        return {}


def _added(component: str, old: Outputs, new: Outputs) -> Discrepancy:
    if old and all(np.isfinite(value).all() for value in old.values()):
        return compare_outputs(component, old, new)
    # What was lost before cannot be lost again.
    return Discrepancy(200.0, 1.0, 0.0, 200.0, 0.0, 0)


def _finite(noise: float) -> float:
    """Noise energy, everything lost counting as ten times the peak."""
    return min(noise, 10.0)


def _rung(climbed: _Climbed, recorded: Sequence[Replay], share: float) -> Rung:
    against, added = climbed.against, climbed.added
    finite = [one for one in against if one.finite]
    levels = np.array([one.psnr_db for one in finite])
    steps: dict[float, list[float]] = {}
    for replay, one in zip(recorded, against, strict=True):
        if not math.isnan(replay.timestep):
            steps.setdefault(replay.timestep, []).append(one.noise)
    return Rung(
        name=climbed.way.name,
        stage=climbed.way.stage,
        psnr_db=float(levels.mean()) if len(finite) == len(against) else math.nan,
        spread_db=float(levels.std()) if finite else 0.0,
        worst_db=float(levels.min()) if len(finite) == len(against) else math.nan,
        added_db=decibel(float(np.mean([one.noise for one in added]))),
        added_share=share,
        cosine=min((one.cosine for one in finite), default=math.nan),
        max_abs=max((one.max_abs for one in finite), default=math.nan),
        tile_min_db=min((one.tile_min_db for one in finite), default=math.nan),
        nonfinite=len(against) - len(finite),
        calls=len(against),
        per_timestep=tuple(
            StepError(timestep=timestep, psnr_db=decibel(float(np.mean(noises))))
            for timestep, noises in sorted(steps.items(), reverse=True)
        ),
        note=climbed.way.note,
        normal_db=climbed.way.normal_db,
    )
