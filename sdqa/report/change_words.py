"""A comparison of two runs in words, the same in terminal, summary and Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sdqa.bundle.comparison import KINDS, CheckChange, CheckFigure, ComparedRun, Kind, RunComparison
from sdqa.report.format import MISSING, plural, show_figure, show_minute, show_number, show_said
from sdqa.report.links import MAX_LENGTH, PAGE, check_address, published
from sdqa.report.markdown import MAX_BYTES, Markdown, assemble, escape, markdown, row

TITLES: dict[Kind, str] = {
    "new": "new failures", "still": "still failing", "lost": "no longer measured", "fixed": "fixed",
    "changed": "changed figures", "gained": "measured now",
}  # fmt: skip
SPOKEN: tuple[Kind, ...] = ("new", "still", "fixed")
"""Kinds that a sentence always counts; the others where there are any."""
DETAILED: tuple[Kind, ...] = ("new", "lost", "still", "fixed")
"""Kinds that a summary lists; the others it counts."""
ROWS = 25
EMPTY = Markdown("")


def named_run(run: ComparedRun) -> str:
    """A run as people name it: its commit where that is known, and when it was."""
    where = f"{run.commit[:12]} ({run.ref})" if run.commit and run.ref else run.commit[:12] or run.ref
    when = show_minute(run.created)
    return f"{where} of {when}" if where else when


def sentence(comparison: RunComparison) -> str:
    """`Against 3f2a… of 2026-…: 2 new failures, 1 still failing, 0 fixed; 12 changed figures; 430 as before.`"""
    counts = comparison.counts()
    first = ", ".join(_counted(kind, counts[kind]) for kind in SPOKEN)
    rest = [_counted(kind, counts[kind]) for kind in KINDS if kind not in SPOKEN and counts[kind]]
    return f"Against {named_run(comparison.before)}: {'; '.join([first, *rest])}; {comparison.unchanged} as before."


def lane_remarks(comparison: RunComparison) -> tuple[str, ...]:
    """What is different about the runs themselves, lanes that only one of them has included."""
    gone = [f"{lane} ran before and did not run now" for lane in comparison.lanes_before_only]
    came = [f"{lane} did not run before" for lane in comparison.lanes_after_only]
    return (*comparison.remarks, *gone, *came)


def moved_words(change: CheckChange) -> str:
    """`+0.01 → +0.31, limit +0.03, 10 limits worse`."""
    parts = [f"{_shown(change.before, change.unit)} → {_shown(change.after, change.unit)}"]
    limits = [one.limit for one in (change.before, change.after) if one is not None and one.limit is not None]
    if limits:
        signed = any(one is not None and one.difference is not None for one in (change.before, change.after))
        first, last = (show_figure(limit, change.unit, signed=signed) for limit in (limits[0], limits[-1]))
        parts.append(f"limit {last}" if first == last else f"limit {first} → {last}")
    if change.worse and math.isfinite(change.worse):
        parts.append(f"{show_number(abs(change.worse))} limits {'worse' if change.worse > 0 else 'better'}")
    return ", ".join(parts)


def comparison_markdown(comparison: RunComparison, page: str = PAGE) -> str:
    """The comparison alone as Markdown of at most `MAX_BYTES`."""
    return assemble(comparison_blocks(comparison, page), MAX_BYTES)


def comparison_blocks(comparison: RunComparison, page: str = PAGE) -> list[Sequence[Markdown]]:
    """The comparison as blocks of Markdown: the sentence, what makes the runs differ, what needs a look."""
    blocks: list[Sequence[Markdown]] = [[Markdown("### Against an earlier run"), EMPTY, escape(sentence(comparison))]]
    remarks = lane_remarks(comparison)
    if remarks:
        more = [markdown("- … and {} more", len(remarks) - ROWS)] if len(remarks) > ROWS else []
        blocks.append([EMPTY, *(markdown("- {}", remark) for remark in remarks[:ROWS]), *more])
    listed = [change for kind in DETAILED for change in comparison.of(kind)]
    if listed:
        head = ("| | check | before → after | why |", "|---|---|---|---|")
        rows = [_row(change, page) for change in listed[:ROWS]]
        more = [EMPTY, Markdown(f"… and {len(listed) - ROWS} more: see the report.")] if len(listed) > ROWS else []
        blocks.append([EMPTY, *map(Markdown, head), *rows, *more])
    blocks.append([EMPTY])
    return blocks


def linked(text: str, case: str, lane: str, check: str, page: str) -> Markdown:
    """A check's name, as a link where the page is published."""
    address = check_address(case, lane, check, page)
    if not published(page) or len(address) > MAX_LENGTH:
        return escape(text)
    return Markdown(f"[{escape(text)}](<{address}>)")


def _row(change: CheckChange, page: str) -> Markdown:
    name = linked(change.check, change.case or "", change.lane, change.check, page)
    why = "; ".join(part for part in (show_said(change.reason), *change.notes) if part)
    return row((TITLES[change.kind], name, moved_words(change), why or MISSING))


def _counted(kind: Kind, count: int) -> str:
    if kind == "new":
        return plural(count, "new failure")
    if kind == "changed":
        return plural(count, "changed figure")
    return f"{count} {TITLES[kind]}"


def _shown(figure: CheckFigure | None, unit: str) -> str:
    if figure is None:
        return "no such check"
    if not figure.measured:
        return figure.status
    if figure.difference is not None:
        return show_figure(figure.difference, unit, signed=True)
    return show_figure(figure.value, unit) if figure.value is not None else figure.status
