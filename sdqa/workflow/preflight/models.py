"""The models of a plan: whether they are on this machine, with all their weights and packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sdqa.errors import SdqaError
from sdqa.models import look_at
from sdqa.models.folder import count_parameters
from sdqa.models.lock import LOCK_NAME
from sdqa.models.opening import OpenedFolder, Opening
from sdqa.models.single_file import beside
from sdqa.models.sources import is_remote
from sdqa.plan import Plan
from sdqa.workflow.preflight.packages import look_at_packages
from sdqa.workflow.preflight.record import Lack, Look, Note

FETCH = "sdqa fetch"


@dataclass(frozen=True)
class SeenModel:
    """A model as far as it can be seen without loading it."""

    name: str
    opening: Opening | None
    parameters: Mapping[str, int]
    """By component; empty where they are not in files."""


def look_at_models(plan: Plan) -> tuple[dict[str, SeenModel], Look]:
    """The models by name, and what of them is missing."""
    seen, look = {}, Look()
    for name in dict.fromkeys(lane.model_name for lane in plan.lanes):
        described = plan.suite.models[name]
        seen[name], found = _look(plan, name, described.reference or described.source)
        look += found
        look += look_at_packages([lane for lane in plan.lanes if lane.model_name == name], seen[name].opening)
    return seen, look


def _look(plan: Plan, name: str, source: str) -> tuple[SeenModel, Look]:
    try:
        opening = look_at(source, lock=plan.root / LOCK_NAME)
    except SdqaError as error:
        return SeenModel(name, None, {}), Look(lacks=(Lack.of("model", error, in_suite=True),))
    if opening is None:
        remote = is_remote(source)
        key = "source" if plan.suite.models[name].reference is None else "reference"
        there = f"put it there, or give $.models.{name}.{key} another folder"
        command = FETCH if remote else beside(Path(source.partition(":")[2])) or there
        lack = Lack("model", f"{source} is not on this machine", command)
        return SeenModel(name, None, {}), Look(lacks=(lack,))
    if not isinstance(opening, OpenedFolder):
        return SeenModel(name, opening, {}), Look()
    if not opening.weights:
        lack = Lack("model", f"the weights of {source} are not all on this machine", FETCH)
        return SeenModel(name, opening, {}), Look(lacks=(lack,))
    try:
        return SeenModel(name, opening, count_parameters(opening)), Look(_weights(name, opening))
    except SdqaError as error:
        lack = Lack.of("model", error, in_suite=not is_remote(source))
        if is_remote(source):
            lack = Lack("model", lack.what, FETCH)
        return SeenModel(name, opening, {}), Look(lacks=(lack,))


def _weights(name: str, opening: OpenedFolder) -> tuple[Note, ...]:
    """What was seen of a model's weights, and what was not."""
    if not opening.tensors:
        return ()
    said = f"{opening.tensors} tensors, by name and shape those of the configurations; their values are read by a run"
    return (Note("weights", f"{name}: {said}"),)
