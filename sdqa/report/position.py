"""Where a figure lies on the way to its limit."""

from __future__ import annotations

import math

from sdqa.bundle import Verdict
from sdqa.report.format import MISSING, show_figure
from sdqa.report.words import MUST_BE_ONE, bounds_difference


def position(verdict: Verdict, better: str) -> float | None:
    """How much of its tolerance a figure uses: 0 at the golden (of a budget: at nothing), 1 at the limit, more beyond.

    Negative is better than the golden. Where the gate knows what is normal, it has measured the way from there.

    Returns:
        None where there is no such way: without a limit, at a floor ("at least 30 dB"), of what is yes or no.
    """
    if verdict.room_used is not None:
        return verdict.room_used
    limit = verdict.tolerance
    if not limit or verdict.metric in MUST_BE_ONE or not math.isfinite(limit):
        return None
    if bounds_difference(verdict):
        assert verdict.difference is not None
        if better in ("higher", "lower"):
            return verdict.difference / limit if (limit < 0) == (better == "higher") else None
        return abs(verdict.difference) / abs(limit)
    if better == "lower" and limit > 0 and verdict.value is not None:
        return verdict.value / limit
    return None


def show_position(verdict: Verdict, better: str) -> str:
    """`33 %` of the tolerance; `14 dB within` or `3 dB beyond` where there is a floor; what is yes or no has none."""
    share = position(verdict, better)
    if share is not None and math.isfinite(share):
        return f"{100 * share:,.0f} %".replace("-", "−")
    figure, limit = verdict.value, verdict.tolerance
    if verdict.metric in MUST_BE_ONE or figure is None or limit is None or not math.isfinite(figure - limit):
        return MISSING
    if better not in ("higher", "lower") or bounds_difference(verdict):
        return MISSING
    beyond = figure > limit if better == "lower" else figure < limit
    return f"{show_figure(abs(figure - limit), verdict.unit)} {'beyond' if beyond else 'within'}"
