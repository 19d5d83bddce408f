"""One case on a terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from sdqa.bundle import Film
from sdqa.report.dossier import CaseFigure, Dossier, DossierLane
from sdqa.report.facts import facts_of
from sdqa.report.format import MISSING, plural, show_figure, show_interval, show_number, show_seconds
from sdqa.report.terminal import clean, console_for, mark_of, style_of, table_for
from sdqa.report.words import MUST_BE_ONE

COLUMNS = ("figure", "value", "golden", "difference", "interval", "limit", "position")
LISTED = 40
"""Cases of a list; `--json` has all."""


def print_dossier(found: Dossier, folder: Path, console: Console | None = None) -> None:
    """Print what was asked for, then each lane's pictures and figures, the worst lane first."""
    console = console or console_for()
    console.print(Text(clean(found.case), style="bold"))
    for name, text in (("prompt", found.inputs.prompt), *facts_of(found.inputs, {"prompt"})):
        if text:
            console.print(Text(clean(f"  {name}: {text}".replace("\n", " "))), soft_wrap=True)
    for lane in found.lanes:
        console.print()
        _print_lane(lane, folder, console)


def print_cases(found: tuple[Dossier, ...], console: Console | None = None) -> None:
    """Print one line a case with its worst figure, the worst case first."""
    console = console or console_for()
    for one in found[:LISTED]:
        lane = one.lanes[0]
        status = lane.status or "not judged"
        head = Text(f"{mark_of(console, status)} {status} ", style=style_of(status))
        first = f": {lane.figures[0].metric} {lane.figures[0].words}" if lane.figures else ""
        head.append(clean(f"{one.case} in {lane.lane}{first}"))
        console.print(head, soft_wrap=True)
    if len(found) > LISTED:
        console.print(Text(f"… and {plural(len(found) - LISTED, 'more case')} with --json", style="dim"))
    if not found:
        console.print(Text("the run has no cases"))


def _print_lane(lane: DossierLane, folder: Path, console: Console) -> None:
    status = lane.status or "not judged"
    took = "" if lane.seconds is None else f", drawn in {show_seconds(lane.seconds)}"
    head = Text(f"{mark_of(console, status)} {status} ", style=style_of(status))
    head.append(clean(f"{lane.lane}{took}"))
    console.print(head, soft_wrap=True)
    console.print(Text(f"  page: {clean(lane.address)}"), soft_wrap=True)
    for kind, path in lane.pictures.items():
        console.print(Text(clean(f"  {kind}: {folder / path}")), soft_wrap=True)
    if lane.film is not None:
        console.print(Text(clean(f"  film: {_film_words(lane.film)}")), soft_wrap=True)
    for failure in lane.failures:
        console.print(Text(clean(f"  {failure}"), style=style_of("not measured")), soft_wrap=True)
    if lane.figures:
        _print_figures(lane.figures, console)
    for figure in lane.figures:
        if figure.status != "pass" and figure.reason:
            console.print(Text(clean(f"  {figure.metric}: {figure.reason}"), style="dim"), soft_wrap=True)


def _film_words(film: Film) -> str:
    """`latents after step 1: 1.2 %, 10: 40 % from the teacher's, of 20 steps`, or why there is no such error."""
    told = [
        f"{frame.step}: {show_number(None if frame.error is None else 100 * frame.error)} %"
        for frame in film.frames
        if frame.teacher is not None
    ]
    if told:
        return f"latents after step {', '.join(told)} from the teacher's, of {plural(film.total, 'step')}"
    return film.reason or "no steps were kept"


def _print_figures(figures: tuple[CaseFigure, ...], console: Console) -> None:
    table = table_for(console)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == COLUMNS[0] else "right", overflow="fold")
    for one in figures:
        bounds = one.difference is not None and one.unit != "dB" and one.metric not in MUST_BE_ONE
        mark = f"{mark_of(console, one.status)}{'?' if one.provisional else ''}"
        cells = (
            show_figure(one.value, one.unit),
            show_figure(one.golden, one.unit),
            show_figure(one.difference, one.unit, signed=True),
            show_interval(one.interval, one.unit, signed=bounds),
            show_figure(one.limit, one.unit, signed=bounds),
            one.position_words or MISSING,
        )
        name = Text(clean(f"{mark} {one.metric}"), style=style_of(one.status))
        table.add_row(name, *(Text(clean(cell)) for cell in cells))
    console.print(table)
