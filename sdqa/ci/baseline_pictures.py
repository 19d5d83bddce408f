"""The approved pictures of lanes that a checkout has, for those of a bundle to be held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.errors import SdqaError
from sdqa.gate import baseline
from sdqa.gate.codec import array_digest, decode_image
from sdqa.gate.golden_files import file_bytes, whole
from sdqa.gate.large_files import DEFAULT_PLACE
from sdqa.plan import Plan, PlannedLane
from sdqa.plan.suite import TEACHER_NOW

if TYPE_CHECKING:
    from sdqa.arrays import Pixels

FILE = "image.png"

BaselinePictures = Callable[[str, str], "tuple[str, Pixels] | None"]
"""Of a lane and a case: what the baseline says, as a digest, and its picture; None where that cannot be read."""


def baseline_pictures_of(plan: Plan) -> BaselinePictures:
    """A reader of the pictures that lie in the repository.

    Those that are missing, damaged or not kept beside their record are not read: nothing is held against them.
    """
    lanes = {lane.id: lane for lane in plan.lanes}

    def read(lane: str, case: str) -> tuple[str, Pixels] | None:
        if plan.suite.goldens == TEACHER_NOW or lane not in lanes or case not in lanes[lane].all_cases:
            return None
        return _recorded(plan, lanes[lane], case)

    return read


def baselines_of(plan: Plan, lane: PlannedLane) -> Mapping[str, str]:
    """Case → what its baseline says, as a digest, of those that can be read."""
    found = {}
    for case in lane.all_cases if plan.suite.goldens != TEACHER_NOW else ():
        try:
            found[case] = baseline.read_manifest(_folder(plan, lane) / case).content()
        except SdqaError:
            continue
    return found


def _folder(plan: Plan, lane: PlannedLane) -> Path:
    return baseline.folder_of(plan.goldens, lane.model_name, lane.variant.name, lane.runtime, lane.compute_unit)


def _recorded(plan: Plan, lane: PlannedLane, case: str) -> tuple[str, Pixels] | None:
    folder = _folder(plan, lane) / case
    try:
        manifest = baseline.read_manifest(folder)
        file = manifest.files.get(FILE)
        if file is None or file.place != "folder":
            return None
        with whole():
            picture = decode_image(file_bytes(folder, FILE, file, DEFAULT_PLACE, None), folder / FILE)
    except SdqaError:
        return None
    return (manifest.content(), picture) if array_digest(picture) == manifest.digests.get("image") else None
