"""An error as a bundle records it."""

from __future__ import annotations

from sdqa.bundle import Failure
from sdqa.errors import EXIT_GATE_FAILED, SdqaError

PACKAGE = "package"
"""The stage of a package that is there and cannot be run."""


def failure_of(stage: str, where: str, error: SdqaError) -> Failure:
    """Something planned that did not happen; a package that cannot be run fails the gate, in its component's name."""
    if error.component:
        message = f"the package of the {error.component} cannot be run: {error}"
        return Failure(
            stage=PACKAGE, where=error.component, code=error.code, message=message, exit_code=EXIT_GATE_FAILED
        )
    return Failure(stage=stage, where=where, code=error.code, message=str(error), exit_code=error.exit_code)
