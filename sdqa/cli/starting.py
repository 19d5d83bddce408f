"""The verbs of the first hour: a suite to start from, and what it needs from elsewhere."""

from __future__ import annotations

import errno
from pathlib import Path

import click

from sdqa.cli.options import naming, resolve_plan, suite_option


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--model", default=None, metavar="MODEL", help="A diffusers folder, packages, OWNER/NAME or any source.")
@click.option("--reference", default="", metavar="SOURCE", help="The PyTorch model that packages were converted from.")
@click.option("--output", type=click.Path(path_type=Path), default=None, help="The file; FOLDER/sdqa.toml otherwise.")
def init(folder: Path, model: str | None, reference: str, output: Path | None) -> None:
    """Write a commented suite to start from: for a model of yours, or for the embedded one; say what is missing."""
    from sdqa.plan import shipped_suites
    from sdqa.store import write_atomically

    target = output or folder / "sdqa.toml"
    if target.exists():
        raise click.UsageError(f"{target} is there already")
    if output is None and not target.absolute().parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such folder", str(target.absolute().parent))
    if model is None:
        text = shipped_suites()["starter"].read_bytes()
    else:
        from sdqa.workflow.starter import starting_model, suite_text

        text = suite_text(starting_model(model, reference)).encode("utf-8")
    write_atomically(target, text)
    click.echo(str(target))
    _say_what_is_missing(target)


def _say_what_is_missing(target: Path) -> None:
    from sdqa.workflow.preflight import preflight

    click.echo("\n".join(preflight(resolve_plan(str(target))).lines(naming(str(target)))))


@click.command()
@suite_option
def fetch(suite: str | None) -> None:
    """Fetch models and metrics' weights that a suite needs from elsewhere; their digests go to sdqa.lock."""
    from sdqa.workflow.fetch import fetch as fetch_all

    found = False
    for one in fetch_all(resolve_plan(suite)):
        found = True
        click.echo(f"here  {one.name}: {one.what}")
    if not found:
        click.echo("nothing to fetch: all that the suite needs is on this machine")
