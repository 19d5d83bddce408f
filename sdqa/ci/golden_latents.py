"""The latents that a checkout has recorded, for those of a bundle to be held against."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from sdqa.errors import SdqaError
from sdqa.gate.codec import array_digest, decode_tensors
from sdqa.gate.golden_files import file_bytes
from sdqa.gate.large_files import DEFAULT_PLACE
from sdqa.gate.manifest import read_manifest
from sdqa.plan import Plan
from sdqa.plan.suite import TEACHER_NOW

FILE = "latents.safetensors"

Latents = npt.NDArray[np.float32]
GoldenLatents = Callable[[str, str], "tuple[str, Latents] | None"]
"""Of a model and a case: digest and values of what the checkout has recorded; None where that cannot be read."""


def golden_latents_of(plan: Plan) -> GoldenLatents:
    """A reader of the recorded latents of a suite's models and cases; each is read once.

    Those that are missing, damaged or not kept beside their record are not read: nothing is held against them.
    """
    known: dict[tuple[str, str], tuple[str, Latents] | None] = {}

    def read(model: str, case: str) -> tuple[str, Latents] | None:
        if plan.suite.goldens == TEACHER_NOW or model not in plan.suite.models or case not in plan.suite.cases:
            return None
        if (model, case) not in known:
            known[model, case] = _recorded(plan, model, case)
        return known[model, case]

    return read


def _recorded(plan: Plan, model: str, case: str) -> tuple[str, Latents] | None:
    folder = plan.goldens / model / case
    try:
        manifest = read_manifest(folder)
        file = manifest.files.get(FILE)
        if file is None or file.place != "folder":
            return None
        latents = decode_tensors(file_bytes(folder, FILE, file, DEFAULT_PLACE, None), folder / FILE).get("latents")
    except SdqaError:
        return None
    if latents is None or array_digest(latents) != manifest.digests.get("latents"):
        return None
    return manifest.digests["latents"], latents
