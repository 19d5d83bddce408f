"""The goldens of a plan: how many are recorded, and which of them a run would find stale, and why.

Manifests alone are read: whatever a run holds against one and can be told without torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.errors import SdqaError
from sdqa.gate.goldens import stale_reasons
from sdqa.gate.manifest import MANIFEST_FILE, Manifest
from sdqa.generate.inputs import case_inputs
from sdqa.generate.schedulers import drawn_as_ever, remarkable
from sdqa.generate.timetable import plain_timesteps
from sdqa.models.opening import OpenedFolder
from sdqa.plan import Case, Plan
from sdqa.plan.suite import TEACHER_NOW
from sdqa.workflow.floors import MEND, below_floors
from sdqa.workflow.preflight.manifests import RecordedManifests
from sdqa.workflow.preflight.models import SeenModel
from sdqa.workflow.preflight.record import Lack, Look, Note, some

if TYPE_CHECKING:
    from pydantic import JsonValue


MAX_HASHED_BYTES = 2**29
"""Weights of a teacher that are hashed for a plan; whether a larger one changed is seen by the run."""
DRAWN = "scene:"
"""Pictures that are drawn anew, by whatever version of Pillow is here: their name says what they show."""


def look_at_goldens(plan: Plan, models: Mapping[str, SeenModel], recorded: RecordedManifests | None = None) -> Look:
    """How many of the cases have a golden, and which goldens no longer stand for their cases."""
    manifests = recorded or RecordedManifests(plan.goldens)
    if plan.suite.goldens == TEACHER_NOW:
        return Look((Note("goldens", "drawn by the teacher in the same run: nothing guards the teacher itself"),))
    wanted = {f"{lane.model_name}/{name}": case for lane in plan.lanes for name, case in lane.cases.items()}
    missing = [name for name in wanted if not (plan.goldens / name / MANIFEST_FILE).is_file()]
    said = f"{len(wanted) - len(missing)} of {len(wanted)} are recorded in {plan.goldens}"
    lacks = [Lack("goldens", f"{said}; missing: {some(missing)}", "sdqa goldens")] if missing else []
    there = {name: case for name, case in wanted.items() if name not in missing}
    lacks += [*_stale(plan, there, models, manifests), *_below(plan, there, manifests)]
    return Look((Note("goldens", said),) if not missing else (), tuple(lacks))


def _stale(
    plan: Plan, cases: Mapping[str, Case], models: Mapping[str, SeenModel], recorded: RecordedManifests
) -> list[Lack]:
    """One lack for all goldens that are stale for the same reasons."""
    metrics = _metric_identities(plan)
    teachers = {name: _teacher_digest(seen) for name, seen in models.items()}
    found: dict[tuple[str, ...], list[str]] = {}
    for name, case in cases.items():
        model = name.partition("/")[0]
        try:
            manifest = recorded.manifest(name)
            reasons = _reasons(manifest, case, plan.root, models[model], teachers[model], metrics)
        except SdqaError as error:
            reasons = [error.what]
        if reasons:
            found.setdefault(tuple(reasons), []).append(name)
    return [
        Lack("goldens", f"{some(names)} {'are' if len(names) > 1 else 'is'} stale: {'; '.join(reasons)}", _renew(names))
        for reasons, names in found.items()
    ]


def _below(plan: Plan, cases: Mapping[str, Case], recorded: RecordedManifests) -> list[Lack]:
    """The goldens that do not reach the suite's floors, one lack each: their figures differ."""
    found = []
    for name, case in cases.items():
        try:
            below = below_floors(plan, case, recorded.manifest(name).scores)
        except SdqaError:
            continue  # it is stale, and that is said already
        if below:
            found.append(Lack("goldens", f"{name} is below the floor: {'; '.join(below)}", MEND))
    return found


def _renew(names: list[str]) -> str:
    cases = dict.fromkeys(name.partition("/")[2] for name in names)
    return f"sdqa goldens {' '.join(f'--case {case}' for case in cases)} --reason '…'"


def _reasons(
    manifest: Manifest,
    case: Case,
    root: Path,
    seen: SeenModel,
    teacher: str | None,
    metrics: Mapping[str, JsonValue] | None,
) -> list[str]:
    """Why a golden no longer counts, in words.

    Raises:
        SdqaError: the case's picture cannot be read any more.
    """
    from sdqa.gate.codec import array_digest
    from sdqa.generate.sources import load_source

    opening = seen.opening
    if opening is None or opening.facts is None:
        return []  # whoever looks at the models says why
    strength = None if case.source is None else case.strength
    settings = remarkable(case.scheduler, opening.scheduler)
    silent = not manifest.scheduler and drawn_as_ever(case.scheduler, settings)
    reasons = stale_reasons(
        manifest,
        teacher_digest=teacher,
        metric_identities=metrics,
        case=case_inputs(case, opening.facts),
        timesteps=plain_timesteps(case.scheduler, opening.scheduler, case.steps, strength),
        scheduler=None if silent else settings,
    )
    if case.source is not None and not case.source.startswith(DRAWN) and case.source == manifest.inputs.get("source"):
        pixels = load_source(case.source, opening.facts.image_size, root, case.background)
        if array_digest(pixels) != manifest.digests.get("source"):
            reasons.append(f"the source picture changed: {case.source} is not the one that was recorded")
    return reasons


def _teacher_digest(seen: SeenModel) -> str | None:
    """What a run would call the teacher; None where it takes too long to tell, or the model cannot be used."""
    from sdqa.models import load_teacher
    from sdqa.models.folder import load_folder

    opening = seen.opening
    if opening is None:
        return None
    try:
        if opening.folder is None:
            return load_teacher(opening.source, offline=True).digest
        if isinstance(opening, OpenedFolder) and 0 < _bytes(opening) <= MAX_HASHED_BYTES:
            return load_folder(opening.folder, source=opening.source).digest
    except SdqaError:
        return None
    return None


def _bytes(opening: OpenedFolder) -> int:
    return sum(path.stat().st_size for found in opening.weights.values() for path in found.files)


def _metric_identities(plan: Plan) -> Mapping[str, JsonValue] | None:
    """What a run would call its metrics; None where their weights are not here."""
    from sdqa.metrics import MetricModels

    chosen = plan.suite.metrics
    try:
        return MetricModels(clip=chosen.clip, lpips=chosen.lpips).identity(chosen.names)
    except (SdqaError, OSError):
        return None
