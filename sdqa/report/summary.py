"""Markdown for a pull request or a CI job's summary: the verdict, what needs attention, the lanes.

GitHub drops a summary of more than a megabyte, and a comment of more than 65,536 characters: this one stays below 60 KB
and says how much it left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from sdqa.bundle import JudgeChange, Run
from sdqa.bundle.comparison import RunComparison
from sdqa.bundle.orphan import orphan_words
from sdqa.report.brief import cost_sentence
from sdqa.report.change_words import comparison_blocks, linked
from sdqa.report.checks import CheckRow, check_rows
from sdqa.report.format import MISSING, plural, show_figure
from sdqa.report.headline import MARKS, failures_of, headline_of, lane_tone, why_provisional
from sdqa.report.highlights import attention_of
from sdqa.report.links import PAGE, case_address, published
from sdqa.report.markdown import MAX_BYTES, Markdown, assemble, escape, markdown, row
from sdqa.report.overview import Cell, measured_lanes, overview_of

LIMIT = 25  # rows of a section; the page has them all
ENDING_BYTES = 2_000  # kept free for the last lines
ENDING_TEXT = 60  # characters of a text in them
_ICONS = {"pass": "✅", "fail": "❌", "suspicious": "⚠️", "not measured": "❔", "not judged": "➖"}
EMPTY = Markdown("")


def summary_markdown(run: Run, against: RunComparison | None = None, page: str = PAGE, identity: str = "") -> str:
    """The run on half a page of Markdown.

    Args:
        against: the run, compared with an earlier one.
        page: the report's page, as `sdqa.report.links.page_of` names it.
        identity: of the run, where the caller knows it.
    """
    headline = headline_of(run)
    title = markdown("## {} sdqa {}: {}", _ICONS[headline.tone], run.suite, headline.title)
    blocks: list[Sequence[Markdown]] = [(title, EMPTY, escape(headline.sentence), EMPTY), *judge_blocks(run)]
    if run.fault:
        fault = markdown("> **A fault was planted on purpose:** {}. This run is meant to fail.", run.fault)
        blocks.append((fault, EMPTY))
    blocks.append(_beside(run))
    if against is not None:
        blocks += comparison_blocks(against, page)
    blocks += [_failures(run), _attention(run, page), _lanes(run), *_diagnoses(run), _overview(run)]
    cost = cost_sentence(run)
    if cost:
        blocks.append((markdown("### Cost"), EMPTY, escape(cost), EMPTY))
    ending = markdown(
        "<sub>sdqa {} · {} · suite {} · identity {}</sub>",
        run.sdqa_version[:ENDING_TEXT],
        run.created[:ENDING_TEXT],
        run.suite_digest[:12],
        (identity or run.identity())[:12],
    )
    return assemble(blocks, MAX_BYTES - ENDING_BYTES) + f"{ending}\n"


def _beside(run: Run) -> list[Markdown]:
    """What the judge was held against, and the references that nothing asks for."""
    said = [str(run.judge_comparison)] if run.judge_comparison else []
    said += [f"orphans: {words}"] if (words := orphan_words(run.orphans)) else []
    return [*(markdown("> {}  ", line) for line in said), EMPTY] if said else []


def judge_blocks(run: Run) -> list[Sequence[Markdown]]:
    """What a change did to the judge, before anything that the judge says."""
    return [changes_markdown(run.judge_changes)] if run.judge_changes else []


def changes_markdown(changes: Sequence[JudgeChange]) -> list[Markdown]:
    """Changes of the judge as a table, the loosening ones first."""
    rows = [
        row(
            (
                "❌ looser" if change.looser and not change.recorded else "looser" if change.looser else "",
                change.subject,
                change.what,
                change.recorded or MISSING,
            )
        )
        for change in sorted(changes, key=lambda change: (not change.looser, bool(change.recorded)))
    ]
    head = ("### The judge changed", "", "| | what | change | recorded reason |", "|---|---|---|---|")
    return [*map(Markdown, head), *_limited(rows), EMPTY]


def _limited(lines: list[Markdown]) -> list[Markdown]:
    if len(lines) <= LIMIT:
        return lines
    return [*lines[:LIMIT], EMPTY, Markdown(f"… and {len(lines) - LIMIT} more: see the report.")]


def _attention(run: Run, page: str) -> list[Markdown]:
    groups = attention_of(check_rows(run))
    if not groups:
        return []
    rows = []
    for group in groups:
        worst = group.worst
        rows.append(
            row(
                (
                    f"{_ICONS[group.status]} {group.status}",
                    _named(worst, group.among, page),
                    worst.value,
                    worst.golden,
                    worst.difference,
                    worst.interval,
                    worst.bound.removeprefix("limit "),
                    worst.reason or MISSING,
                )
            )
        )
    head = (
        "### What needs attention",
        "",
        "| | check | value | golden | difference | interval | limit | why |",
        "|---|---|--:|--:|--:|--:|--:|---|",
    )
    return [*map(Markdown, head), *_limited(rows), EMPTY]


def _named(worst: CheckRow, among: str, page: str) -> Markdown:
    """A check's name, and where its case is shown: as a link, or below it where the page lies beside this file."""
    name = linked(worst.check, worst.case, worst.lane, worst.check, page)
    address = case_address(worst.case, worst.lane, page) if worst.case and not published(page) else ""
    return markdown("{}{}{}", name, Markdown(among), markdown("<br><sub>{}</sub>", address) if address else EMPTY)


def _failures(run: Run) -> list[Markdown]:
    lines = [
        markdown("- {} {}, {} {}: {}", failure.code, lane, failure.stage, failure.where, failure.message)
        for lane, failure in failures_of(run)
    ]
    return [Markdown("### What did not happen"), EMPTY, *_limited(lines), EMPTY] if lines else []


def _lanes(run: Run) -> list[Markdown]:
    rows = []
    for lane in run.lanes:
        passed = sum(v.status == "pass" for v in lane.verdicts)
        size = show_figure(sum(package.bytes for package in lane.packages), "B") if lane.packages else MISSING
        reason = f": {lane.reason}" if lane.reason and not lane.failures else ""
        provisional = sum(v.provisional for v in lane.verdicts)
        note = f"{provisional} provisional: {why_provisional(lane.verdicts)}" if provisional else ""
        if lane.carried:
            note = (
                f"carried from {lane.carried[:12]}: nothing that it is made from changed{f'; {note}' if note else ''}"
            )
        note = note if lane.status == "ran" else f"{lane.status}{reason}"
        checks = f"{passed} of {len(lane.verdicts)} passed"
        rows.append(row((_ICONS[lane_tone(lane)], lane.id, checks, size, note)))
    head = ("### Lanes", "", "| | lane | checks | packages | |", "|---|---|--:|--:|---|")
    return [*map(Markdown, head), *_limited(rows), EMPTY]


def _diagnoses(run: Run) -> list[Sequence[Markdown]]:
    """Every diagnosis that there is; their lanes are named where there are several."""
    blocks: list[Sequence[Markdown]] = []
    found = run.diagnoses or ((run.diagnosis,) if run.diagnosis else ())
    for one in found:
        verdict = one.verdict.strip()
        if verdict:
            where = markdown(" of {}", one.lane) if len(found) > 1 else EMPTY
            lines = [markdown("> {}  ", line) for line in verdict.splitlines()[:LIMIT]]
            blocks.append([markdown("### Diagnosis{}", where), EMPTY, *lines, EMPTY])
    return blocks


def _overview(run: Run) -> list[Markdown]:
    rows = overview_of(run)
    if not rows:
        return []
    lanes = measured_lanes(run)
    title = f"{plural(len(rows), 'metric')} × {plural(len(lanes), 'lane')}, medians"
    lines = [
        markdown("<details><summary>{}</summary>", title),
        EMPTY,
        row(("metric", *(lane.id for lane in lanes))),
        Markdown(f"|---|{'--:|' * len(lanes)}"),
    ]
    lines += [row((one.label, *map(_cell, one.cells))) for one in rows]
    return [*lines, EMPTY, Markdown("</details>"), EMPTY]


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return MISSING
    figure = show_figure(cell.median, cell.unit)
    bad = f" ({cell.non_finite} non-finite)" if cell.non_finite else ""
    return f"{figure}{bad} {MARKS[cell.status] if cell.status else ''}".rstrip()
