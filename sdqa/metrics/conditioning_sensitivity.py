"""Does the prompt still move the picture? What guidance adds, step by step, against what it adds in the teacher."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sdqa.metrics.registry import Reading, metric, self_test

if TYPE_CHECKING:
    from sdqa.metrics.subject import Subject

CEILING = 60.0
"""dB: a step in which the prompt moves nothing any more, or more than a thousand times too much."""


@metric(
    "conditioning_sensitivity",
    unit="dB",
    better="lower",
    valid=(0, CEILING),
    needs=["guidance"],
    on_request=True,
    compares=True,
    ceiling=CEILING,
)
def conditioning_sensitivity(subject: Subject) -> Reading:
    """How far the spread of the prediction with and without the prompt is from the teacher's, mean over the steps.

    At each step the root mean square of their difference is held against the teacher's at the same step; 0 dB is the
    same, 6 dB is half or twice as much. A text path that has died reads 60 dB, whatever the picture looks like.
    """
    candidate, golden = subject.candidate.guidance, subject.golden.guidance
    if len(candidate) != len(golden) or not golden:
        return Reading(None, reason=f"{len(candidate)} guided steps, the teacher makes {len(golden)}")
    return Reading(departure(candidate, golden))


def departure(tested: Sequence[float], reference: Sequence[float]) -> float:
    """Mean over the steps of |20 log10(tested / reference)| in dB; NaN where a spread is not finite."""
    return math.fsum(_decibel(one, other) for one, other in zip(tested, reference, strict=True)) / len(reference)


def _decibel(tested: float, reference: float) -> float:
    if not (math.isfinite(tested) and math.isfinite(reference)):
        return math.nan
    if tested == reference:
        return 0.0
    if tested <= 0 or reference <= 0:
        return CEILING
    return min(CEILING, abs(20 * math.log10(tested / reference)))


@self_test("conditioning_sensitivity", "a text path that has died is far, too little and too much are alike")
def _dead() -> bool | str:
    teacher = [0.5, 0.25, 0.1]
    dead, half, twice = (departure([factor * one for one in teacher], teacher) for factor in (0.0, 0.5, 2.0))
    found = f"dead {dead:.1f}, half {half:.1f}, twice {twice:.1f} dB"
    return (dead == CEILING and abs(half - twice) < 1e-9 and 6 < half < 6.1) or found


@self_test("conditioning_sensitivity", "NaN is not a pass")
def _bad() -> bool | str:
    found = departure([math.nan, 1.0], [1.0, 1.0])
    return math.isnan(found) or f"{found}"
