"""Cases as cards of the page: source and golden once, then each lane's candidate and difference with its checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sdqa.bundle import CaseInputs, Lane, Run, Sample, Status
from sdqa.report.checks import CheckRow
from sdqa.report.facts import FactRows, facts_of
from sdqa.report.format import show_seconds
from sdqa.report.headline import SEVERITY, worst
from sdqa.report.pictures import Album, ShownPicture

KINDS = ("source", "golden", "candidate", "difference")
SHARED = ("source", "golden")


@dataclass(frozen=True)
class CaseLane:
    """A case in one lane."""

    lane: str
    status: Status | None  # None: pictures, but no verdict of its own
    pictures: tuple[ShownPicture, ...]
    golden: ShownPicture | None  # what the candidate is compared with
    candidate: ShownPicture | None
    checks: tuple[CheckRow, ...]
    seconds: str
    facts: FactRows


@dataclass(frozen=True)
class CaseCard:
    """A case over all lanes."""

    anchor: str
    name: str
    prompt: str
    settings: FactRows
    status: Status | None
    shared: tuple[ShownPicture, ...]
    lanes: tuple[CaseLane, ...]


def case_cards(run: Run, rows: tuple[CheckRow, ...], album: Album) -> tuple[CaseCard, ...]:
    """Cards of all cases that the run knows, the worst first."""
    cards = [_card(anchor, name, run, rows, album) for name, anchor in case_anchors(run).items()]
    return tuple(sorted(cards, key=lambda card: len(SEVERITY) if card.status is None else SEVERITY[card.status]))


def case_anchors(run: Run) -> dict[str, str]:
    """Each case's place in the page, in the order of the run."""
    names = dict.fromkeys(run.cases)
    for lane in run.lanes:
        names.update(dict.fromkeys(sample.case for sample in lane.samples))
        names.update(dict.fromkeys(v.case for v in lane.verdicts if v.case))
    return {name: f"case-{i}" for i, name in enumerate(names)}


def _card(anchor: str, name: str, run: Run, rows: tuple[CheckRow, ...], album: Album) -> CaseCard:
    samples = {lane.id: next((s for s in lane.samples if s.case == name), None) for lane in run.lanes}
    shared = _shared(name, samples, album)
    digests = {picture.kind: picture.digest for picture in shared}
    lanes = []
    for lane in run.lanes:
        checks = tuple(row for row in rows if row.lane == lane.id and row.case == name)
        sample = samples[lane.id]
        if sample or checks:
            lanes.append(_case_lane(lane, name, sample, checks, shared, digests, album))
    planned = run.cases.get(name, CaseInputs())
    status = worst(lane.status for lane in lanes if lane.status)
    return CaseCard(
        anchor=anchor,
        name=name,
        prompt=planned.prompt,
        settings=(*facts_of(planned, {"prompt"}), *_source_rows(samples)),
        status=status,
        shared=shared,
        lanes=tuple(lanes),
    )


def _shared(name: str, samples: Mapping[str, Sample | None], album: Album) -> tuple[ShownPicture, ...]:
    """Source and golden, where all lanes that have one have the same."""
    pictures = []
    for kind in SHARED:
        blobs = {s.images[kind].sha256: s.images[kind] for s in samples.values() if s and kind in s.images}
        if len(blobs) == 1:
            blob = next(iter(blobs.values()))
            pictures.append(album.picture(kind, f"{kind} of {name}", blob))
    return tuple(pictures)


def _case_lane(
    lane: Lane,
    name: str,
    sample: Sample | None,
    checks: tuple[CheckRow, ...],
    shared: tuple[ShownPicture, ...],
    digests: Mapping[str, str],
    album: Album,
) -> CaseLane:
    images = sample.images if sample else {}
    kinds = [*(kind for kind in KINDS if kind in images), *sorted(set(images) - set(KINDS))]
    pictures = tuple(
        album.picture(kind, f"{kind} of {name} in {lane.id}", images[kind]) for kind in kinds if kind not in digests
    )
    both = {picture.kind: picture for picture in (*shared, *pictures)}
    return CaseLane(
        lane=lane.id,
        status=worst(c.status for c in checks),
        pictures=pictures,
        golden=both.get("golden"),
        candidate=both.get("candidate"),
        checks=checks,
        seconds=show_seconds(sample.seconds) if sample and sample.seconds is not None else "",
        facts=facts_of(sample.facts, {"source_remarks"}) if sample else (),
    )


def _source_rows(samples: Mapping[str, Sample | None]) -> FactRows:
    """What was done to the source picture, over all lanes: their models may have different sizes."""
    remarks = dict.fromkeys(one for sample in samples.values() if sample for one in sample.facts.source_remarks)
    return (("source picture", "; ".join(remarks)),) if remarks else ()
