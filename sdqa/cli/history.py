"""Verbs over a history of runs: add, merge, show, export. None of them ever decides about a run."""

from __future__ import annotations

from pathlib import Path

import click

HERE = ".sdqa/history"
SHOWN = 20
FORMATS = ("parquet", "asv", "allure", "bencher")

to_option = click.option(
    "--to", default=HERE, metavar="PLACE", help="A folder, git:BRANCH or an fsspec address; .sdqa/history otherwise."
)


@click.group(invoke_without_command=True)
@click.pass_context
def history(context: click.Context) -> None:
    """The runs that are kept: one small file each, in a folder, on a git branch or at an fsspec address."""
    if context.invoked_subcommand is None:
        context.invoke(show)


@history.command()
@click.argument("bundle", type=click.Path(path_type=Path), default=Path(".sdqa/report"))
@to_option
@click.option("--ci", default="", metavar="URL", help="The CI run's page, where the environment does not say it.")
@click.option("--report", default="", metavar="URL", help="Where this run's page can be read.")
@click.option("--pull-request", default="", metavar="NUMBER", help="Where the environment does not say it.")
def add(bundle: Path, to: str, ci: str, report: str, pull_request: str) -> None:
    """Add a bundle's run; nothing happens where it is there already."""
    from sdqa.bundle import Bundle
    from sdqa.history import add_records, open_place, record_of

    record = record_of(Bundle(bundle).read(), folder=Path(), ci=ci, report=report, pull_request=pull_request)
    place = open_place(to)
    added = add_records(place, [record])
    click.echo(f"{place.where}: {'added' if added else 'already there:'} the run of {record.created}")


@history.command()
@click.argument("sources", nargs=-1, required=True, metavar="SRC…")
@to_option
def merge(sources: tuple[str, ...], to: str) -> None:
    """Copy the runs of other places; in any order, and twice, it comes to the same."""
    from sdqa.history import open_place
    from sdqa.history.writing import merge_places

    place = open_place(to)
    done = merge_places(place, [open_place(source) for source in sources])
    click.echo(f"{place.where}: {done.added} added, {done.known} already there, {len(done.unread)} skipped")
    for one in done.unread[:SHOWN]:
        click.echo(f"  skipped {one.name}: it {one.why}", err=True)


@history.command()
@click.argument("place", default=HERE, metavar="[PLACE]")
@click.option("-n", "--last", default=SHOWN, type=click.IntRange(min=1), help="How many; 20 otherwise.")
def show(place: str, last: int) -> None:
    """The last runs, the newest first: when, which commit, what the gate said, what failed."""
    from sdqa.history import open_place
    from sdqa.history.reading import History, once, read_records
    from sdqa.history.records import RecordedRun
    from sdqa.history.table import history_text

    opened = open_place(place)
    names = opened.names()
    found = [one for _, one in read_records(opened, names[-last:])]
    records = [one for one in found if isinstance(one, RecordedRun)]
    click.echo(history_text(History(once(records), len(found) - len(records)), len(names), opened.where))


@history.command()
@click.argument("place", default=HERE, metavar="[PLACE]")
@click.option("--format", "form", required=True, type=click.Choice(FORMATS), help="For which tool.")
@click.option("--output", required=True, type=click.Path(path_type=Path), help="A file; a folder for asv and allure.")
def export(place: str, form: str, output: Path) -> None:
    """Write the runs for another tool: Parquet tables, asv, Allure or Bencher."""
    from sdqa.history import open_place
    from sdqa.history.exports import export_history

    click.echo(export_history(open_place(place), form, output))


@click.command()
@click.option("--history", "place", default=HERE, metavar="PLACE", help="A folder, git:BRANCH or an fsspec address.")
@click.option("--output", default="site", type=click.Path(path_type=Path), help="The site's folder; site/ otherwise.")
@click.option("--goldens", default=None, type=click.Path(path_type=Path), help="Whose audit log is shown; goldens/.")
@click.option("--index", default=".sdqa/dashboard.sqlite", type=click.Path(path_type=Path), help="A cache of the runs.")
@click.option("--address", default="", metavar="URL", help="Where the site will be published, for the feed.")
def dashboard(place: str, output: Path, goldens: Path | None, index: Path, address: str) -> None:
    """Build a static site over many runs: what changed, since when, what to ship. Opens from disk, too."""
    from sdqa.dashboard.site import build
    from sdqa.history import open_place

    folder = goldens or (Path("goldens") if Path("goldens").is_dir() else None)
    built = build(open_place(place), output, index=index, goldens=folder, address=address)
    for problem in built.problems:
        click.echo(f"goldens: {problem}", err=True)
    skipped = f", {built.unread} files skipped" if built.unread else ""
    counts = f"{built.runs} runs ({built.new} new{skipped}), {built.series} series, {built.changes} changes"
    click.echo(f"{output / 'index.html'}: {counts}")
