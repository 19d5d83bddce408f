"""A verdict's figures in words, the same on every surface."""

from __future__ import annotations

import math

from sdqa.bundle import Verdict
from sdqa.report.format import MISSING, show_figure, show_interval

MUST_BE_ONE = frozenset({"finite", "shape", "contract", "coverage"})  # the gate's hard metrics


def bounds_difference(verdict: Verdict) -> bool:
    """Whether the tolerance bounds the paired difference, rather than the figure itself (a floor, a budget, a dB)."""
    return verdict.difference is not None and verdict.unit != "dB" and verdict.metric not in MUST_BE_ONE


def show_bound(verdict: Verdict) -> str:
    """`limit +0.03` on a difference, `limit 40 s` on a figure."""
    if verdict.tolerance is None:
        return MISSING
    return f"limit {show_figure(verdict.tolerance, verdict.unit, signed=bounds_difference(verdict))}"


def show_verdict_interval(verdict: Verdict) -> str:
    """The interval of the difference, signed, or of the figure."""
    return show_interval(verdict.interval, verdict.unit, signed=bounds_difference(verdict))


def evidence_words(verdict: Verdict) -> str:
    """`0.31, golden 0, difference +0.31 in [+0.29, +0.32], limit +0.03, n = 10`; what is missing is left out."""
    unit = verdict.unit
    parts = [show_figure(verdict.value, unit) if verdict.value is not None else ""]
    if verdict.golden is not None:
        parts.append(f"golden {show_figure(verdict.golden, unit)}")
    interval = f" in {show_verdict_interval(verdict)}" if verdict.interval is not None else ""
    if verdict.difference is not None and not math.isnan(verdict.difference):
        parts.append(f"difference {show_figure(verdict.difference, unit, signed=True)}{interval}")
    elif interval and verdict.difference is None:
        parts.append(f"interval{interval.removeprefix(' in')}")
    if verdict.tolerance is not None:
        parts.append(show_bound(verdict))
    if verdict.n > 1:
        parts.append(f"n = {verdict.n}")
    return ", ".join(part for part in parts if part) or "no figure"
