"""The verbs of the first hour: a suite to start from, and what it needs from elsewhere."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sdqa.cli.options import naming, resolve_plan, suite_option

if TYPE_CHECKING:
    from sdqa.ci.scaffold import Service


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--model", default=None, metavar="MODEL", help="A diffusers folder, packages, OWNER/NAME or any source.")
@click.option("--reference", default="", metavar="SOURCE", help="The PyTorch model that packages were converted from.")
@click.option("--output", type=click.Path(path_type=Path), default=None, help="The file; FOLDER/sdqa.toml otherwise.")
@click.option(
    "--ci",
    type=click.Choice(["github", "gitlab", "buildkite", "jenkins", "shell"]),
    default=None,
    help="Write what a CI service needs, too.",
)
@click.option("--nox", is_flag=True, help="With --ci: a noxfile with sdqa's sessions.")
@click.option("--repository", default="", metavar="OWNER/NAME", help="With --ci github: call its workflow (@REF).")
@click.option("--owners", default="", metavar="NAMES", help="With --ci: who owns suite and goldens, for CODEOWNERS.")
def init(
    folder: Path,
    model: str | None,
    reference: str,
    output: Path | None,
    ci: Service | None,
    nox: bool,
    repository: str,
    owners: str,
) -> None:
    """Write a commented suite to start from: for a model of yours, or for the embedded one; say what is missing.

    With --ci also what makes it a required check. Nothing that is there is overwritten.
    """
    target = output or folder / "sdqa.toml"
    if target.exists() and (ci is None or model is not None):
        raise click.UsageError(f"{target} is there already")
    if (nox or repository or owners) and ci is None:
        raise click.UsageError("--nox, --repository and --owners need --ci")
    if output is None and not target.absolute().parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such folder", str(target.absolute().parent))
    if target.exists():
        click.echo(f"{target}: is there already and was left as it is")
    else:
        _write_suite(target, model, reference)
        click.echo(str(target))
    if ci is not None:
        from sdqa.ci.scaffold import starting_files, write_file

        for file in starting_files(ci, resolve_plan(str(target)), repository=repository, nox=nox, owners=owners):
            click.echo(write_file(target.absolute().parent, file))
    _say_what_is_missing(target)


def _write_suite(target: Path, model: str | None, reference: str) -> None:
    from sdqa.plan import shipped_suites
    from sdqa.store import write_atomically

    if model is None:
        text = shipped_suites()["starter"].read_bytes()
    else:
        from sdqa.workflow.starter import starting_model, suite_text

        text = suite_text(starting_model(model, reference)).encode("utf-8")
    write_atomically(target, text)


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
