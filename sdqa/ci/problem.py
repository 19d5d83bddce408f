"""What keeps evidence from being whole, as a failure with a name."""

from __future__ import annotations

from collections.abc import Sequence

from sdqa.bundle import Failure
from sdqa.errors import EXIT_INCOMPLETE

CODE = "SDQA-720"
STAGE = "evidence"
NAMED = 3
"""How many of several equal complaints are named."""


def problem(where: str, message: str, exit_code: int = EXIT_INCOMPLETE) -> Failure:
    """Something that keeps the evidence from being whole."""
    return Failure(stage=STAGE, where=where, code=CODE, message=message, exit_code=exit_code)


def some(names: Sequence[str]) -> str:
    """The first few names."""
    return f"{', '.join(names[:NAMED])}{' …' if len(names) > NAMED else ''}"
