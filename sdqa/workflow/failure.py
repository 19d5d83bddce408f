"""An error as a bundle records it."""

from __future__ import annotations

from sdqa.bundle import Failure
from sdqa.errors import SdqaError


def failure_of(stage: str, where: str, error: SdqaError) -> Failure:
    """Something planned that did not happen."""
    return Failure(stage=stage, where=where, code=error.code, message=str(error), exit_code=error.exit_code)
