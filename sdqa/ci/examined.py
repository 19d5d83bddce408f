"""One machine's record of a lane, examined before it is used: figures that cannot be right are none any more.

The gate examines every bundle; whoever approves an outcome, or calibrates with one of another machine, refuses what it
would refuse.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sdqa.bundle import Bundle, Lane, Run
from sdqa.ci.contradictions import contradictions, elsewhere, unlike_planned
from sdqa.ci.figures import vetted
from sdqa.ci.pictures import picture_flaws
from sdqa.ci.problem import NAMED
from sdqa.ci.reference import LaneReference, references_of
from sdqa.ci.seen import Seen
from sdqa.errors import UsageError
from sdqa.plan import Plan

MEND = "run the lane again"


def examined(lane: Lane, reference: LaneReference, shown: Seen) -> tuple[Lane, list[str]]:
    """The lane with what was refused as not measured, and what speaks against it, in words.

    Args:
        lane: as one machine left it, not joined with others.
        shown: what was seen of its pictures and latents.
    """
    kept, refused = vetted(lane, reference, shown)
    more = [f"{len(refused) - NAMED} more figures cannot be right"] if len(refused) > NAMED else []
    said = [*refused[:NAMED], *more, *contradictions(lane, reference)]
    return kept, [f"{text}: {MEND}" for text in said]


def unlike_checkout(lane: Lane, run: Run, reference: LaneReference, shown: Seen) -> Iterator[str]:
    """What a lane's bundle says besides its figures and is not so, in words: what was put in, shown, and ran it."""
    yield from (f"{lane.id}: {text}" for text in unlike_planned(lane, run.cases, reference))
    yield from picture_flaws(lane, reference, shown)
    yield from elsewhere([lane], run.machines.values())


def demand_examined(bundle: Bundle, run: Run, lanes: Collection[Lane], plan: Plan) -> None:
    """Refuse lanes of a bundle in which the gate would refuse something.

    Args:
        lanes: of the run, and of the plan.

    Raises:
        UsageError: it would, for these reasons.
        BundleError: something that the bundle names is missing or damaged.
    """
    from sdqa.ci.looking import look_at
    from sdqa.ci.recorded import recorded_of

    shown, references = look_at(bundle, run, recorded_of(plan)), references_of(plan)
    for lane in lanes:
        _, said = examined(lane, references[lane.id], shown)
        said += unlike_checkout(lane, run, references[lane.id], shown)
        if said:
            more = f" and {len(said) - NAMED} more" if len(said) > NAMED else ""
            what = f"the gate would refuse this run: {'; '.join(said[:NAMED])}{more}"
            raise UsageError(what, where=f"{bundle.folder}, {lane.id}", hint="use a run as it was left: sdqa qa")
