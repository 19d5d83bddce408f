"""A reference runtime for Core ML ML Programs: reads an .mlpackage and executes it in torch, on any machine.

    from sdqa import mil
    program = mil.load("Unet.mlpackage")
    outputs = program.predict({"sample": x, "timestep": t, "encoder_hidden_states": e})

It knows nothing of diffusion. Importing it is cheap: torch comes with the first `load`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sdqa.lazy import offering

if TYPE_CHECKING:
    from sdqa.mil import coremltools_backend as coremltools_backend
    from sdqa.mil.loading import load as load
    from sdqa.mil.program import Program as Program
    from sdqa.mil.state import State as State

__all__ = ["Program", "State", "coremltools_backend", "load"]

_LAZY = {"Program": "sdqa.mil.program", "State": "sdqa.mil.state", "load": "sdqa.mil.loading"}


def __getattr__(name: str) -> Any:
    if name == "coremltools_backend":
        return importlib.import_module("sdqa.mil.coremltools_backend")
    return offering(__name__, _LAZY)(name)
