"""Limits that can be reached: one that no picture can be worse than would never fail anything.

Arithmetic on decibels knows no end: where clean cases scatter much, a bound lands below what pictures can be. Limits
are held to the worst that a metric can read, with a note, when they are loaded and when they are placed; the recorded
file stays as it was measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sdqa.bundle import Better
from sdqa.gate.tolerances import Tolerance, Tolerances


@dataclass(frozen=True)
class Worst:
    """The worst that a metric reads of some candidate, whatever the golden; infinite where there is no end."""

    value: float
    difference: float  # candidate minus golden

    @staticmethod
    def of(better: Better, valid: tuple[float, float], attainable: float | None = None) -> Worst:
        """From a metric's direction and the range of its figures.

        Args:
            attainable: the worst figure that every golden allows, where the end of the range takes a golden of its own.
        """
        low, high = valid
        sign = -1.0 if better == "higher" else 1.0
        end = low if better == "higher" else high
        return Worst(end if attainable is None else attainable, sign * (high - low))


def within_reach(tolerances: Tolerances, worst: Mapping[str, Worst]) -> Tolerances:
    """The same tolerances, every limit held to what can be reached.

    Args:
        worst: by metric; what is not in it has no end.
    """
    variants = {
        variant: {key: held(one, worst[one.metric]) if one.metric in worst else one for key, one in table.items()}
        for variant, table in tolerances.variants.items()
    }
    return tolerances.model_copy(update={"variants": variants})


def held(tolerance: Tolerance, worst: Worst) -> Tolerance:
    """One tolerance, held to what can be reached."""
    end = worst.value if tolerance.of == "value" else worst.difference
    if not math.isfinite(end):
        return tolerance
    names = ("limit", "case_limit", "severe")
    beyond = {name: end for name in names if not tolerance.worse_than(end, getattr(tolerance, name))}
    beyond = {name: end for name in beyond if getattr(tolerance, name) != end}
    if not beyond:
        return tolerance
    unit = f" {tolerance.unit}" if tolerance.unit else ""
    was = ", ".join(f"{name.replace('_', ' ')} {getattr(tolerance, name):.4g}{unit}" for name in beyond)
    note = f"{was}: nothing can be worse than {end:.4g}{unit}, which is taken instead"
    return tolerance.model_copy(update={**beyond, "note": note})
