"""A comparison of two runs on a terminal; what is new stands first, the sentence last."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from sdqa.bundle import Status
from sdqa.bundle.comparison import KINDS, CheckChange, Kind, RunComparison
from sdqa.report.change_words import TITLES, lane_remarks, moved_words, sentence
from sdqa.report.links import PAGE, case_address
from sdqa.report.terminal import clean, console_for, mark_of, style_of

LISTED = 8
"""Of a kind; `--json` has all."""
TONES: dict[Kind, Status] = {
    "new": "fail", "still": "fail", "lost": "not measured", "fixed": "pass", "changed": "suspicious", "gained": "pass",
}  # fmt: skip


def print_comparison(comparison: RunComparison, console: Console | None = None, *, page: str = PAGE) -> None:
    """Print the changes, kind by kind, the worst of each; then what makes the runs differ, then the sentence."""
    console = console or console_for()
    for kind in KINDS:
        changes = comparison.of(kind)
        if not changes:
            continue
        tone = TONES[kind]
        console.print(Text(f"{mark_of(console, tone)} {TITLES[kind]} ({len(changes)})", style=style_of(tone)))
        for change in changes[:LISTED]:
            _print_change(change, console, page)
        if len(changes) > LISTED:
            console.print(Text(f"    … and {len(changes) - LISTED} more with --json", style="dim"))
    for remark in lane_remarks(comparison):
        console.print(Text(clean(f"note: {remark}")), soft_wrap=True)
    console.print(Text(clean(sentence(comparison)), style="bold"), soft_wrap=True)


def _print_change(change: CheckChange, console: Console, page: str) -> None:
    console.print(Text(clean(f"  {change.check}: {moved_words(change)}")), soft_wrap=True)
    notes = "; ".join(change.notes)
    if notes:
        console.print(Text(clean(f"    {notes}"), style="dim"), soft_wrap=True)
    if change.case and change.kind in ("new", "still"):
        console.print(Text(f"    {case_address(change.case, change.lane, page)}", style="dim"), soft_wrap=True)
