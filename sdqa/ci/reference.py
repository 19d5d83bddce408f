"""What a lane's own words are held against: the suite's cases, the goldens' records and the registry of metrics.

All of it comes from the checkout; of a bundle nothing is taken but its measurements.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sdqa.bundle import CaseInputs
from sdqa.ci.baseline_pictures import baselines_of
from sdqa.errors import SdqaError
from sdqa.families import idle_components
from sdqa.gate import baseline
from sdqa.gate.manifest import Manifest, read_manifest
from sdqa.plan import Plan, PlannedLane
from sdqa.plan.describe import planned_case
from sdqa.plan.suite import TEACHER_NOW
from sdqa.runtime.registry import find_runtime

if TYPE_CHECKING:
    from sdqa.metrics.kinds import Kind


@dataclass(frozen=True)
class LaneReference:
    """What is known of a lane without asking it."""

    cases: Mapping[str, CaseInputs]
    components: tuple[str, ...]
    packaged: tuple[str, ...]  # components that it executes as packages; none where it executes the teacher's modules
    kinds: Mapping[str, Kind] = field(repr=False)  # metric → what its figures can be
    traced: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # component → cases that parity is measured on
    budgets: tuple[str, ...] = ()  # figures of the whole lane that are asked for
    goldens: Mapping[str, Manifest] | None = None  # by case; None where the teacher draws them in every run
    baselines: Mapping[str, str] = field(default_factory=dict)  # case → what the lane's baseline says, as a digest


def references_of(plan: Plan) -> dict[str, LaneReference]:
    """By lane. A golden whose record is missing or damaged is left out: nothing can be held against it."""
    from sdqa.metrics.kinds import kinds

    known = kinds()
    known |= {name: known[like] for name, like in baseline.METRICS.items()}
    recorded = {name: _goldens(plan, name) for name in plan.suite.models}
    return {lane.id: _reference(plan, lane, known, recorded[lane.model_name]) for lane in plan.lanes}


def _reference(
    plan: Plan, lane: PlannedLane, known: Mapping[str, Kind], goldens: Mapping[str, Manifest] | None
) -> LaneReference:
    return LaneReference(
        cases={name: planned_case(case) for name, case in lane.all_cases.items()},
        components=lane.components,
        packaged=lane.components if find_runtime(lane.runtime).needs_packages else (),
        kinds=known,
        traced=_traced(lane),
        goldens=goldens,
        baselines=baselines_of(plan, lane),
    )


def _traced(lane: PlannedLane) -> dict[str, tuple[str, ...]]:
    from sdqa.generate.traced import traced_cases

    sourced = {name: case.source is not None for name, case in lane.all_cases.items()}
    idle = {name: idle_components(image_to_image=sourced[name]) for name in traced_cases(sourced)}
    return {component: tuple(name for name in idle if component not in idle[name]) for component in lane.components}


def _goldens(plan: Plan, model: str) -> Mapping[str, Manifest] | None:
    if plan.suite.goldens == TEACHER_NOW:
        return None
    found = {}
    for case in plan.suite.cases:
        try:
            found[case] = read_manifest(plan.goldens / model / case)
        except SdqaError:
            continue
    return found
