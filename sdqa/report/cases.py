"""Cases as the page shows them, the worst first: what was asked for, and how each lane answered."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sdqa.bundle import Blob, CaseInputs, Film, Run, Sample, Status
from sdqa.report.checks import CheckRow
from sdqa.report.facts import FactRows, facts_of
from sdqa.report.format import show_seconds
from sdqa.report.headline import SEVERITY, worst

EARLIER = "earlier run"  # what the run that this one is compared with drew, where it drew something else
KINDS = ("source", "golden", "baseline", EARLIER, "candidate")
Drawn = Mapping[tuple[str, str], Blob]
"""Lane and case → a picture."""
COMPUTED = "difference"  # the page computes it from the two pictures, with a gain to choose


@dataclass(frozen=True)
class CaseLane:
    """A case in one lane."""

    lane: str
    status: Status | None  # None: pictures, but no verdict of its own
    images: Mapping[str, Blob]  # in the order in which they are shown
    worst: CheckRow | None
    seconds: str
    facts: FactRows
    film: Film | None = None

    @property
    def blobs(self) -> Iterator[tuple[str, Blob]]:
        """Everything that is shown, by its kind."""
        yield from self.images.items()
        for frame in self.film.frames if self.film else ():
            yield from (("film", blob) for blob in (frame.teacher, frame.candidate) if blob is not None)


@dataclass(frozen=True)
class CaseCard:
    """A case over all lanes."""

    name: str
    prompt: str
    settings: FactRows
    status: Status | None
    lanes: tuple[CaseLane, ...]  # in the order of the run

    @property
    def shown(self) -> CaseLane | None:
        """The lane in which the case is worst."""
        return min(self.lanes, key=lambda lane: rank(lane.worst), default=None)


def rank(row: CheckRow | None) -> tuple[int, float]:
    """What orders checks everywhere: status, then how far beyond the limit."""
    if row is None:
        return (len(SEVERITY), 0.0)
    return (SEVERITY[row.status], -row.excess)


def case_cards(run: Run, rows: Sequence[CheckRow], earlier: Drawn | None = None) -> tuple[CaseCard, ...]:
    """All cases that the run knows, the worst first.

    Args:
        earlier: the pictures of the run that this one is compared with.
    """
    by_place: dict[tuple[str, str], list[CheckRow]] = {}
    for row in rows:
        by_place.setdefault((row.case, row.lane), []).append(row)
    samples = {(sample.case, lane.id): sample for lane in run.lanes for sample in lane.samples}
    names = dict.fromkeys((*run.cases, *(case for case, _ in samples), *(case for case, _ in by_place if case)))
    cards = [_card(name, run, by_place, samples, earlier or {}) for name in names]
    return tuple(sorted(cards, key=lambda card: rank(card.shown.worst if card.shown else None)))


def _card(
    name: str,
    run: Run,
    rows: Mapping[tuple[str, str], Sequence[CheckRow]],
    samples: Mapping[tuple[str, str], Sample],
    earlier: Drawn,
) -> CaseCard:
    planned = run.cases.get(name, CaseInputs())
    lanes = []
    remarks: dict[str, None] = {}
    for lane in run.lanes:
        sample, checks = samples.get((name, lane.id)), rows.get((name, lane.id), ())
        if sample or checks:
            lanes.append(_case_lane(lane.id, sample, checks, earlier.get((lane.id, name))))
        remarks.update(dict.fromkeys(sample.facts.source_remarks if sample else ()))
    # Models may have different sizes, so the source picture may be treated differently.
    source = (("source picture", "; ".join(remarks)),) if remarks else ()
    return CaseCard(
        name=name,
        prompt=planned.prompt,
        settings=(*facts_of(planned, {"prompt"}), *source),
        status=worst(lane.status for lane in lanes if lane.status),
        lanes=tuple(lanes),
    )


def _case_lane(lane: str, sample: Sample | None, checks: Sequence[CheckRow], earlier: Blob | None) -> CaseLane:
    images = {**(sample.images if sample else {}), **({EARLIER: earlier} if earlier else {})}
    kinds = [*(kind for kind in KINDS if kind in images), *sorted(set(images) - {*KINDS, COMPUTED})]
    broken = {name: count for name, count in sample.facts.nonfinite.items() if count} if sample else {}
    facts = facts_of(sample.facts, {"source_remarks", "nonfinite", "latents", "film"}) if sample else ()
    return CaseLane(
        lane=lane,
        status=worst(row.status for row in checks),
        images={kind: images[kind] for kind in kinds},
        worst=min(checks, key=rank, default=None),
        seconds=show_seconds(sample.seconds) if sample and sample.seconds is not None else "",
        facts=(*_not_finite(broken), *facts),
        film=sample.facts.film if sample else None,
    )


def _not_finite(broken: Mapping[str, int]) -> FactRows:
    """What was NaN or infinite, in words."""
    said = [f"{count:,} of {component}" for component, count in broken.items() if math.isfinite(count)]
    return (("elements not finite (NaN or infinite)", ", ".join(said)),) if said else ()
