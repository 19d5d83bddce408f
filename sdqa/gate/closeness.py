"""How near a passing figure is to its limit: a note, never a status."""

from __future__ import annotations

import math

from sdqa.bundle import Verdict
from sdqa.gate.tolerances import Tolerance

CLOSE = 0.8
"""Share of the room to a limit above which a figure that passes is close to it."""


def room_used(tolerance: Tolerance, figure: float, limit: float) -> float | None:
    """How much of the way from what is normal (the mean of the harmless figures) to a limit a figure has gone.

    Returns:
        None where there is no way: a limit that was stated by hand says nothing of what is normal.
    """
    sign = 1.0 if tolerance.better == "lower" else -1.0
    room = sign * (limit - tolerance.harmless.mean)
    if tolerance.harmless.n < 2 or not room > 0 or not math.isfinite(figure):
        return None
    return sign * (figure - tolerance.harmless.mean) / room


def noted(verdict: Verdict, used: float | None) -> Verdict:
    """The verdict with a note where it passes and is close to its limit."""
    if verdict.status != "pass" or used is None or not used > CLOSE:
        return verdict
    reason = f"{verdict.reason}; close: {used:.0%} of the room to the limit is used"
    return verdict.model_copy(update={"room_used": used, "reason": reason})
