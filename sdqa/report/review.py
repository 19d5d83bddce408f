"""What the summary shows first: the worst cases as pairs of pictures, and the checks that did not pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sdqa.bundle import Status
from sdqa.report.cases import CaseCard, rank
from sdqa.report.checks import CheckRow
from sdqa.report.gallery import Gallery, Shown
from sdqa.report.links import case_address

PAIRS = 5
LISTED = 60  # checks of the table: about three printed pages
GOOD = ("pass", "not judged")


@dataclass(frozen=True)
class WorstPair:
    """A case in the lane where it is worst."""

    case: str
    lane: str
    status: Status
    address: str
    golden: Shown | None
    candidate: Shown | None
    row: CheckRow
    digests: tuple[str, ...]  # of the pictures that stand in the page's own markup


def worst_pairs(cards: Sequence[CaseCard], gallery: Gallery) -> tuple[WorstPair, ...]:
    """The cases that did not pass, no more than five; where all passed, those that are closest to their limits."""
    bad = [card for card in cards if card.status and card.status not in GOOD]
    return tuple(pair for card in (bad or cards)[:PAIRS] if (pair := _pair(card, gallery)))


def _pair(card: CaseCard, gallery: Gallery) -> WorstPair | None:
    lane = card.shown
    if lane is None or lane.worst is None:
        return None
    golden, candidate = (lane.images.get(kind) for kind in ("golden", "candidate"))
    return WorstPair(
        case=card.name,
        lane=lane.lane,
        status=lane.worst.status,
        address=case_address(card.name, lane.lane, page=""),
        golden=gallery.of(golden),
        candidate=gallery.of(candidate),
        row=lane.worst,
        digests=tuple(blob.sha256 for blob in (golden, candidate) if blob and _inside(gallery.of(blob))),
    )


def _inside(shown: Shown | None) -> bool:
    return shown is not None and shown.address.startswith("data:")


def not_passed(rows: Sequence[CheckRow]) -> tuple[tuple[CheckRow, ...], int]:
    """The worst checks that did not pass, and how many more there are."""
    bad = sorted((row for row in rows if row.status not in GOOD), key=rank)
    return tuple(bad[:LISTED]), max(0, len(bad) - LISTED)
