"""Verbs for people who look at one run: a case in the terminal, failing cases on one picture."""

from __future__ import annotations

import json
from pathlib import Path

import click

from sdqa.cli.options import json_option, lane_option


@click.command()
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@lane_option
@click.option(
    "--bundle",
    "folder",
    type=click.Path(path_type=Path),
    default=Path(".sdqa/report"),
    help="The bundle's folder.",
)
@click.option("--contact-sheet", type=click.Path(path_type=Path), metavar="FILE", help="Golden, candidate, difference.")
@json_option
def show(
    cases: tuple[str, ...], lanes: tuple[str, ...], folder: Path, contact_sheet: Path | None, as_json: bool
) -> None:
    """Show a case of a run: what was asked for, its pictures, every figure with its limit, the worst first.

    Without a case, the list of all, the worst first. `--contact-sheet out.png` draws golden, candidate and difference
    of the cases that fail, or of those that are named, in one picture. The exit code is no verdict.
    """
    from sdqa.bundle import Bundle
    from sdqa.report.dossier import dossier, dossiers
    from sdqa.report.dossier_terminal import print_cases, print_dossier
    from sdqa.report.links import page_of

    bundle, page = Bundle(folder), page_of()
    run = bundle.read()
    if contact_sheet is not None:
        from sdqa.report.contact_sheet import contact_sheet as drawn
        from sdqa.report.contact_sheet import rows_of
        from sdqa.store import write_atomically

        rows = rows_of(run, cases, lanes)
        write_atomically(contact_sheet, drawn(bundle, run, rows))
        told = [{"case": row.case, "lane": row.lane.lane} for row in rows]
        click.echo(json.dumps({"file": str(contact_sheet), "rows": told}) if as_json else str(contact_sheet))
        return
    found = tuple(dossier(run, case, lanes, page) for case in cases) if cases else dossiers(run, lanes, page)
    if as_json:
        click.echo(json.dumps([one.to_json() for one in found], sort_keys=True))
    elif cases:
        for one in found:
            print_dossier(one, folder)
    else:
        print_cases(found)
