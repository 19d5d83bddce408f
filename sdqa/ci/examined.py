"""One machine's record of a lane, examined before it is judged: figures that cannot be right are none any more."""

from __future__ import annotations

from sdqa.bundle import Lane
from sdqa.ci.contradictions import contradictions
from sdqa.ci.figures import vetted
from sdqa.ci.problem import NAMED
from sdqa.ci.reference import LaneReference
from sdqa.ci.shown import Shown

MEND = "run the lane again"


def examined(lane: Lane, reference: LaneReference, shown: Shown) -> tuple[Lane, list[str]]:
    """The lane with what was refused as not measured, and what speaks against it, in words.

    Args:
        lane: as one machine left it, not joined with others.
        shown: what was seen of its pictures and latents.
    """
    kept, refused = vetted(lane, reference, shown)
    more = [f"{len(refused) - NAMED} more figures cannot be right"] if len(refused) > NAMED else []
    said = [*refused[:NAMED], *more, *contradictions(lane, reference)]
    return kept, [f"{text}: {MEND}" for text in said]
