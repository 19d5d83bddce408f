"""The run on a terminal: lanes × metrics, then what needs attention. Plain off a terminal and with `NO_COLOR`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import IO

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sdqa.bundle import Lane, Run, Status
from sdqa.bundle.orphan import orphan_words
from sdqa.plain import speak_ascii
from sdqa.report.checks import check_rows
from sdqa.report.direction import undirected
from sdqa.report.format import MISSING, plural, show_bytes, show_figure, show_share
from sdqa.report.headline import MARKS, SEVERITY, failures_of, headline_of, missed
from sdqa.report.highlights import attention_of
from sdqa.report.links import case_address, page_of
from sdqa.report.overview import Cell, measured_lanes, overview_of
from sdqa.report.placement import PlacedFigure, estimates, placements

_STYLES: dict[Status, str] = {
    "pass": "green",
    "fail": "bold red",
    "suspicious": "yellow",
    "not measured": "magenta",
    "not judged": "dim",
}
PLAIN_MARKS: dict[Status, str] = {"fail": "x", "not measured": "?", "suspicious": "!", "not judged": "-", "pass": "+"}
"""The marks where there is nothing but ASCII."""
SHORT_ROWS, SHORT_LIMIT, WHOLE_LIMIT = 30, 8, 200
"""Of the overview, and of what needs attention: what fits on a screen, and what -v shows."""
_PLAIN_WIDTH = 120
_COMMAND = re.compile(r"^(\s*)::", re.MULTILINE)  # GitHub takes such lines as commands, and `##[` wherever it stands
_CONTROL = {code: "\ufffd" for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (0x09, 0x0A)}


def console_for(stream: IO[str] | None = None, environment: Mapping[str, str] | None = None) -> Console:
    """A console for results: colours on a terminal only, none with `NO_COLOR`; a fixed width off a terminal."""
    stream = stream or sys.stdout
    speak_ascii(stream)  # a mark that the terminal does not have must not end the run
    environment = os.environ if environment is None else environment
    terminal = stream.isatty() and environment.get("TERM") != "dumb"
    colour = terminal and not environment.get("NO_COLOR")
    width = None
    if not terminal:
        columns = environment.get("COLUMNS", "")
        width = int(columns) if columns.isdigit() and int(columns) > 0 else _PLAIN_WIDTH
    return Console(
        file=stream, no_color=not colour, color_system="auto" if colour else None, force_terminal=terminal or None,
        width=width, highlight=False, markup=False, emoji=False,
    )  # fmt: skip


def clean(text: str) -> str:
    """Text of a bundle without control characters and without what a CI service would take for a command of the job."""
    return _COMMAND.sub(r"\1\\::", undirected(text).translate(_CONTROL)).replace("##[", "## [")


LISTED_CLOSE = 5


def print_run(run: Run, console: Console | None = None, *, whole: bool = False) -> None:
    """Print a run; the verdict stands last, where a terminal ends."""
    console = console or console_for()
    print_details(run, console, whole=whole)
    print_verdict(run, console)


def print_details(run: Run, console: Console, *, whole: bool = False) -> None:
    """Print the table of lanes × metrics, the checks that need attention and what did not happen.

    Args:
        whole: every table and every entry; otherwise what fits on a screen.
    """
    if measured_lanes(run):
        _print_overview(run, console, whole=whole)
    if whole:
        _print_packages(run, console)
        _print_placements(run, console)
        _print_estimates(run, console)
    _print_attention(run, console, WHOLE_LIMIT if whole else SHORT_LIMIT)
    _print_close(run, console)
    for name, failure in failures_of(run):
        line = f"{failure.code} {name}, {failure.stage} {failure.where}: {failure.message}"
        console.print(Text(clean(line), style=_STYLES["not measured"]))
    for lane in run.lanes:
        if lane.status != "ran" and not lane.failures:
            line = f"lane {lane.id} {'did not run' if lane.status == 'skipped' else 'is incomplete'}: {lane.reason}"
            console.print(Text(clean(line), style=_STYLES["not measured"] if missed(lane, run) else "dim"))
    for line in (str(run.judge_comparison or ""), orphan_words(run.orphans)):
        if line:
            console.print(Text(clean(line), style="dim"))
    if run.fault:
        console.print(Text(clean(f"A fault was planted on purpose: {run.fault}"), style="bold"))


def print_verdict(run: Run, console: Console) -> None:
    """Print the verdict in one sentence."""
    headline = headline_of(run)
    mark = mark_of(console, headline.tone)
    console.print(
        Text(clean(f"{mark} {headline.title}: {headline.sentence}"), style=_STYLES[headline.tone]), soft_wrap=True
    )


def mark_of(console: Console, status: Status) -> str:
    return (PLAIN_MARKS if _ascii(console) else MARKS)[status]


def style_of(status: Status) -> str:
    """A status' style."""
    return _STYLES[status]


def _ascii(console: Console) -> bool:
    return not console.encoding.lower().startswith("utf")


def table_for(console: Console) -> Table:
    """An empty table, drawn in what the terminal can show."""
    style = box.ASCII if _ascii(console) else box.SIMPLE_HEAD
    return Table(box=style, pad_edge=False, header_style="bold", show_edge=False)


def _print_overview(run: Run, console: Console, *, whole: bool) -> None:
    # What passed component by component is in the page; here it would hide the rest.
    rows = [row for row in overview_of(run) if row.component is None or 0 <= row.severity < SEVERITY["pass"]]
    names = [clean(lane.id) for lane in measured_lanes(run)]
    hidden = 0
    if not whole and len(rows) > SHORT_ROWS:
        shown = [row for row in rows if row.severity < SEVERITY["pass"]][:SHORT_ROWS]
        hidden, rows = len(rows) - len(shown), shown
    first = max((cell_len(row.label) for row in rows), default=6) + 2
    columns = max(1, (console.width - min(first, 34)) // 18)
    # Lanes that do not fit side by side go below each other: a table that wraps its figures cannot be read.
    for start in range(0, len(names), columns):
        table = table_for(console)
        table.add_column("metric", overflow="fold", max_width=34)
        for name in names[start : start + columns]:
            table.add_column(name, justify="right", overflow="fold", min_width=8)
        for row in rows:
            table.add_row(Text(clean(row.label)), *(_cell(c, console) for c in row.cells[start : start + columns]))
        console.print(table)
        console.print()
    if hidden:
        console.print(Text(f"{plural(hidden, 'more row')} with -v, and in the report", style="dim"))


def _print_packages(run: Run, console: Console) -> None:
    """What was executed: sizes, bits, coverage and what is known to leave the Neural Engine."""
    packages = [(lane, package) for lane in run.lanes for package in lane.packages]
    if not packages:
        return
    table = table_for(console)
    for column in (
        "package",
        "size",
        "operations",
        "bits",
        "coverage",
        "parity",
        "conversion peak",
        "off the Neural Engine",
    ):
        table.add_column(column, justify="left" if column == "package" else "right", overflow="fold")
    for lane, package in packages:
        facts = package.facts
        coverage, lint = facts.coverage, facts.neural_engine
        peak = facts.conversion_peak_bytes or facts.replayed_conversion_peak_bytes
        table.add_row(
            clean(f"{lane.id} {package.component}"),
            show_bytes(package.bytes),
            str(package.operations),
            MISSING if facts.average_bits is None else f"{facts.average_bits:.3g}",
            f"{coverage.found} of {coverage.parameters}" if coverage else MISSING,
            _parity(lane, package.component),
            MISSING if peak is None else show_bytes(peak),
            f"{lint.leaving_share:.1%} of FLOPs" if lint else MISSING,
        )
    console.print(table)
    console.print()


def _print_placements(run: Run, console: Console) -> None:
    """What the lint found, equal findings of several lanes once; each rule's reason once."""
    found: dict[tuple[str, ...], list[PlacedFigure]] = {}
    for one in placements(run):
        if one.notable:
            found.setdefault((one.component, one.rule, one.effect, one.operations, one.share), []).append(one)
    if not found:
        return
    table = table_for(console)
    for column in ("Neural Engine lint", "finding", "effect", "operations", "of FLOPs", "for example in"):
        right = column in ("operations", "of FLOPs")
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    for group in found.values():
        one, more = group[0], f" and {len(group) - 1} more" if len(group) > 1 else ""
        name = clean(f"{one.lane}{more} {one.component}")
        module = clean(one.modules[0]) if one.modules else MISSING
        table.add_row(name, clean(one.rule), clean(one.effect), one.operations, one.share, module)
    console.print(table)
    for rule, reason in {one.rule: one.reason for group in found.values() for one in group}.items():
        console.print(Text(clean(f"{rule}: {reason}"), style="dim"))
    console.print()


def _print_estimates(run: Run, console: Console) -> None:
    known = estimates(run)
    if known is None:
        return
    columns = max(1, (console.width - 20) // 40)
    for start in range(0, len(known.lanes), columns):
        table = table_for(console)
        table.add_column("latency, estimated", overflow="fold")
        for lane, subject in known.lanes[start : start + columns]:
            table.add_column(clean(f"{lane}: {subject}"), justify="right", overflow="fold")
        for device, cells in known.rows:
            table.add_row(device, *cells[start : start + columns])
        console.print(table)
    if known.rows:
        console.print(Text("Roofline estimates with the range of their calibration, no measurements: never judged."))
    for lanes, reason in known.absent:
        console.print(Text(clean(f"no latency estimate for {lanes}: {reason}"), style="dim"))
    console.print()


def _print_close(run: Run, console: Console) -> None:
    """What passes and is near its limit, the nearest first: no failure, but the next change may be one."""
    near = [verdict for verdict in run.verdicts if verdict.room_used is not None]
    near.sort(key=lambda verdict: -(verdict.room_used or 0.0))
    if not near:
        return
    named = ", ".join(f"{verdict.check} ({show_share(verdict.room_used or 0.0)})" for verdict in near[:LISTED_CLOSE])
    more = f" and {len(near) - LISTED_CLOSE} more" if len(near) > LISTED_CLOSE else ""
    console.print(Text(clean(f"close to the limit, of the room used: {named}{more}"), style="dim"), soft_wrap=True)


def _parity(lane: Lane, component: str) -> str:
    """How close the component is to the teacher's on the teacher's inputs, at worst."""
    for measurement in lane.measurements:
        if measurement.metric == "parity_psnr" and measurement.component == component and measurement.value is not None:
            return show_figure(measurement.value, "dB")
    return MISSING


def _cell(cell: Cell | None, console: Console) -> Text:
    if cell is None:
        return Text(MISSING)
    figure = show_figure(cell.median, cell.unit) if cell.median is not None or not cell.non_finite else "NaN"
    if cell.median is not None and cell.non_finite:
        figure += f" +{cell.non_finite} NaN"
    if cell.status is None:
        return Text(figure)
    provisional = "?" if any(verdict.provisional for verdict in cell.verdicts) else ""
    return Text(f"{figure} {mark_of(console, cell.status)}{provisional}", style=_STYLES[cell.status])


def _print_attention(run: Run, console: Console, limit: int) -> None:
    page = page_of()
    told = {(name, failure.message) for name, failure in failures_of(run)}  # they are listed below, once
    groups = [
        group
        for group in attention_of(check_rows(run))
        if group.status != "not measured"
        or not any(name == group.lane and words in group.worst.reason for name, words in told)
    ]
    if not groups:
        return
    for group in groups[:limit]:
        head = Text(f"{mark_of(console, group.status)} {group.status} ", style=_STYLES[group.status])
        head.append(clean(group.worst.check), style="bold" if console.color_system else "")
        head.append(clean(group.among))
        console.print(head, soft_wrap=True)
        for line in (group.worst.words, group.worst.reason):
            if line:
                for part in Text(clean(line)).wrap(console, console.width - 4):
                    part.rstrip()
                    console.print(Text("    ") + part)
        if group.worst.case:
            address = case_address(group.worst.case, group.worst.lane, page)
            console.print(Text(f"    {address}", style="dim"), soft_wrap=True)
    if len(groups) > limit:
        console.print(Text(f"… and {len(groups) - limit} more with -v, and in the report"))
    console.print()
