"""Markdown for a pull request or a CI job's summary: the verdict, what needs attention, the lanes."""

from __future__ import annotations

import re

from sdqa.bundle import Run
from sdqa.report.checks import check_rows
from sdqa.report.format import MISSING, plural, show_figure
from sdqa.report.headline import MARKS, failures_of, headline_of, lane_tone
from sdqa.report.highlights import attention_of
from sdqa.report.overview import Cell, measured_lanes, overview_of

LIMIT = 25  # rows; the page has them all
_ICONS = {"pass": "✅", "fail": "❌", "suspicious": "⚠️", "not measured": "❔"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>~$@&])")


def markdown_text(text: str) -> str:
    """Text as text: nothing in it formats, links, mentions or breaks a table."""
    return _SPECIAL.sub(lambda match: f"&#{ord(match[1])};", " ".join(text.split())).replace("://", "&#58;//")


def summary_markdown(run: Run) -> str:
    """The run on half a page of Markdown."""
    headline = headline_of(run)
    lines = [
        f"## {_ICONS[headline.tone]} sdqa {markdown_text(run.suite)}: {headline.title}",
        "",
        headline.sentence,
        "",
    ]
    if run.fault:
        lines += [f"> **A fault was planted on purpose:** {markdown_text(run.fault)}. This run is meant to fail.", ""]
    lines += _attention(run)
    lines += _failures(run)
    lines += _lanes(run)
    lines += _overview(run)
    if run.diagnosis and run.diagnosis.verdict.strip():
        lines += [
            "### Diagnosis",
            "",
            *(f"> {markdown_text(line)}  " for line in run.diagnosis.verdict.splitlines()),
            "",
        ]
    lines.append(
        f"<sub>sdqa {markdown_text(run.sdqa_version)} · {markdown_text(run.created)} · "
        f"suite {markdown_text(run.suite_digest[:12])} · identity {run.identity()[:12]}</sub>"
    )
    return "\n".join(lines) + "\n"


def _attention(run: Run) -> list[str]:
    groups = attention_of(check_rows(run))
    if not groups:
        return []
    lines = [
        "### What needs attention",
        "",
        "| | check | value | golden | difference | interval | limit | why |",
        "|---|---|--:|--:|--:|--:|--:|---|",
    ]
    for group in groups[:LIMIT]:
        row = group.worst
        cells = (
            f"{_ICONS[group.status]} {group.status}",
            f"{markdown_text(row.check)}{group.among}",
            row.value,
            row.golden,
            row.difference,
            row.interval,
            row.bound.removeprefix("limit "),
            markdown_text(row.reason) or MISSING,
        )
        lines.append(f"| {' | '.join(cells)} |")
    if len(groups) > LIMIT:
        lines += ["", f"… and {len(groups) - LIMIT} more: see the report."]
    return [*lines, ""]


def _failures(run: Run) -> list[str]:
    lines = [
        f"- {markdown_text(failure.code)} {markdown_text(lane)}, "
        f"{markdown_text(failure.stage)} {markdown_text(failure.where)}: {markdown_text(failure.message)}"
        for lane, failure in failures_of(run)
    ]
    return ["### What did not happen", "", *lines, ""] if lines else []


def _lanes(run: Run) -> list[str]:
    lines = ["### Lanes", "", "| | lane | checks | packages | |", "|---|---|--:|--:|---|"]
    for lane in run.lanes:
        tone = lane_tone(lane)
        passed = sum(v.status == "pass" for v in lane.verdicts)
        size = show_figure(sum(package.bytes for package in lane.packages), "B") if lane.packages else MISSING
        note = (
            ""
            if lane.status == "ran"
            else f"{lane.status}{f': {markdown_text(lane.reason)}' if lane.reason and not lane.failures else ''}"
        )
        lines.append(
            f"| {_ICONS[tone]} | {markdown_text(lane.id)} | {passed} of {len(lane.verdicts)} passed | {size} | {note} |"
        )
    return [*lines, ""]


def _overview(run: Run) -> list[str]:
    rows = overview_of(run)
    if not rows:
        return []
    lanes = measured_lanes(run)
    names = " | ".join(markdown_text(lane.id) for lane in lanes)
    lines = [
        f"<details><summary>{plural(len(rows), 'metric')} × {plural(len(lanes), 'lane')}, medians</summary>",
        "",
        f"| metric | {names} |",
        f"|---|{'--:|' * len(lanes)}",
    ]
    lines += [f"| {markdown_text(row.label)} | {' | '.join(_cell(cell) for cell in row.cells)} |" for row in rows]
    return [*lines, "", "</details>", ""]


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return MISSING
    figure = show_figure(cell.median, cell.unit)
    bad = f" ({cell.non_finite} non-finite)" if cell.non_finite else ""
    return f"{figure}{bad} {MARKS[cell.status] if cell.status else ''}".rstrip()
