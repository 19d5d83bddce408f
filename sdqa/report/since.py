"""What the summary says of an earlier run: new, still failing, fixed; each check with its address in this page."""

from __future__ import annotations

from dataclasses import dataclass

from sdqa.bundle.comparison import CheckChange, Kind, RunComparison
from sdqa.report.change_words import DETAILED, lane_remarks, moved_words, sentence
from sdqa.report.format import show_said
from sdqa.report.links import check_address

LISTED = 12
BECAME: dict[Kind, str] = {
    "new": "new", "still": "still fails", "lost": "not measured any more", "fixed": "fixed", "changed": "changed",
    "gained": "measured now",
}  # fmt: skip


@dataclass(frozen=True)
class ChangedCheck:
    """One check that is not what it was."""

    kind: str
    check: str
    address: str
    moved: str
    why: str


@dataclass(frozen=True)
class Since:
    """The section's content."""

    title: str
    sentence: str
    remarks: tuple[str, ...]
    changes: tuple[ChangedCheck, ...]
    more: int
    whole: str = ""  # the file that has all of them


def since_of(compared: RunComparison, title: str, whole: str = "") -> Since:
    """The changes that need a look, the first of them listed."""
    listed = [change for kind in DETAILED for change in compared.of(kind)]
    return Since(
        title=title,
        whole=whole,
        sentence=sentence(compared),
        remarks=lane_remarks(compared),
        changes=tuple(_changed(change) for change in listed[:LISTED]),
        more=max(0, len(listed) - LISTED),
    )


def _changed(change: CheckChange) -> ChangedCheck:
    return ChangedCheck(
        kind=BECAME[change.kind],
        check=change.check,
        address=check_address(change.case or "", change.lane, change.check, page=""),
        moved=moved_words(change),
        why="; ".join(part for part in (show_said(change.reason), *change.notes) if part),
    )
