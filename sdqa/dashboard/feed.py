"""Changes as an Atom feed (RFC 4287): what a team subscribes to."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from sdqa.dashboard.changes import Event
from sdqa.dashboard.series import SHORT, DatedRun
from sdqa.history.records import utc
from sdqa.report.format import show_figure, show_share

ATOM = "http://www.w3.org/2005/Atom"
KEPT = 50
"""Changes, the newest."""


def feed(suite: str, runs: Sequence[DatedRun], events: Sequence[Event], address: str) -> bytes:
    """The feed's document.

    Args:
        address: where the site is published; empty where nobody said, and links then lead to nowhere but the page.
    """
    root = ElementTree.Element("feed", xmlns=ATOM)
    name = _plain(suite)
    _add(root, "title", f"sdqa changes: {name}")
    _add(root, "id", f"urn:sdqa:changes:{name}")
    _add(root, "updated", utc(runs[-1].header.created).isoformat())
    if address:
        ElementTree.SubElement(root, "link", rel="alternate", href=address)
        ElementTree.SubElement(root, "link", rel="self", href=f"{address.rstrip('/')}/changes.atom")
    ElementTree.SubElement(ElementTree.SubElement(root, "author"), "name").text = "sdqa"
    for event in events[:KEPT]:
        run = runs[event.run]
        entry = ElementTree.SubElement(root, "entry")
        _add(entry, "id", f"urn:sdqa:change:{run.key}:{_plain(event.lane)}")
        _add(entry, "title", f"{event.lane}: {event.changes[0].label} got {'worse' if event.size > 0 else 'better'}")
        _add(entry, "updated", utc(run.header.created).isoformat())
        ElementTree.SubElement(
            entry, "link", rel="alternate", href=f"{address.rstrip('/')}/#/series/{event.changes[0].series}"
        )
        _add(entry, "summary", event_words(event, runs))
    document: bytes = ElementTree.tostring(root, "utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + document


def commit_range(event: Event, runs: Sequence[DatedRun]) -> str:
    """`4f1a9c0b12..9d3e…`: what lies between the last run of the old level and the first of the new."""
    old, new = (runs[index].header.commit[:SHORT] or "?" for index in (event.before, event.run))
    return f"{old}..{new}"


def event_words(event: Event, runs: Sequence[DatedRun]) -> str:
    """What changed, by how much, between which commits, and what else changed with it."""
    parts = []
    for change in event.changes[:5]:
        of = "of its limit" if change.of_limit else "of itself"
        moved = f"{show_figure(change.old, change.unit)} → {show_figure(change.new, change.unit)}"
        parts.append(f"{change.label} {moved} ({show_share(change.size, signed=True)} {of})")
    more = len(event.changes) - 5
    words = "; ".join(parts) + (f"; and {more} more figures" if more > 0 else "")
    coincides = "".join(f"; coincides with {mark.words}" for mark in event.marks)
    same = "; the packages are the same: the machine, or what else runs on it" if event.same_packages else ""
    return f"{words}; between {commit_range(event, runs)}{coincides}{same}"


def _add(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = _plain(text)


def _plain(text: str) -> str:
    """Without the characters that XML does not have."""
    return "".join(one for one in text if one >= " " and one not in "\ufffe\uffff" and not "\ud800" <= one <= "\udfff")
