"""Verbs over a machine that runs CI jobs: look it over, set it up, watch it, take it out of work."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from sdqa.cli.options import json_option

root_option = click.option("--root", default=None, type=click.Path(path_type=Path), help="The runner's own folder.")
user_option = click.option("--user", default="", metavar="USER", help="The user that jobs run as; made by setup.")
api_option = click.option("--api", default=None, metavar="URL", help="GitHub's API; GITHUB_API_URL otherwise.")
stdin_option = click.option("--token-stdin", is_flag=True, help="Read the token from standard input, one line.")
dry_option = click.option("--dry-run", is_flag=True, help="Only say what would be done.")


@click.group()
def runner() -> None:
    """A machine of your own that runs CI jobs: doctor, setup, status, drain, remove."""


@runner.command()
@root_option
@user_option
@api_option
@json_option
def doctor(root: Path | None, user: str, api: str | None, as_json: bool) -> None:
    """Look this machine over: what is fit, what is not, and the command that mends it. Exit code 3: something fails."""
    from sdqa.errors import EXIT_INFRASTRUCTURE, EXIT_PASS
    from sdqa.runner.doctor import examine
    from sdqa.runner.place import RunnerFolder, choose_root
    from sdqa.runner.users import check_user

    found = examine(RunnerFolder(choose_root(root, check_user(user))), user=user, api=_address(api))
    click.echo(json.dumps(found.to_json(), indent=1, sort_keys=True) if as_json else "\n".join(found.lines()))
    sys.exit(EXIT_PASS if found.fit else EXIT_INFRASTRUCTURE)


@runner.command()
@click.option("--scope", required=True, metavar="OWNER/NAME", help="The repository, or OWNER for an organisation.")
@click.option("--name", default=None, help="The runner's name; this machine's otherwise.")
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="A label more than doctor prints; repeatable.")
@click.option(
    "--group", default=1, type=click.IntRange(min=1), help="The runner group's number; 1 is the default group."
)
@click.option("--archive", default=None, type=click.Path(path_type=Path), help="GitHub's runner, as downloaded.")
@click.option("--sha256", default="", metavar="DIGEST", help="The archive's digest.")
@click.option("--download", is_flag=True, help="Download GitHub's runner, held to its published digest.")
@click.option("--service", default="auto", type=click.Choice(["auto", "launchd", "systemd", "foreground"]))
@click.option(
    "--isolation", default="none", type=click.Choice(["none", "tart", "orchard", "arc"]), help="Where a job runs."
)
@click.option("--image", default="", metavar="IMAGE", help="Of the virtual machine or pod.")
@click.option("--output", default=".", type=click.Path(path_type=Path), help="Where orchard's and arc's files go.")
@click.option("--lives", default=0, type=click.IntRange(min=0), help="In the foreground: so many jobs; 0 is no limit.")
@click.option("--resume", is_flag=True, help="Also where it was drained.")
@root_option
@user_option
@api_option
@stdin_option
@dry_option
def setup(
    scope: str,
    name: str | None,
    labels: tuple[str, ...],
    group: int,
    archive: Path | None,
    sha256: str,
    download: bool,
    service: str,
    isolation: str,
    image: str,
    output: Path,
    lives: int,
    resume: bool,
    root: Path | None,
    user: str,
    api: str | None,
    token_stdin: bool,
    dry_run: bool,
) -> None:
    """Set this machine up for one job, or arm it again: what is done already is left alone.

    A registration is for one job; setup once more (from a timer, say) arms the next life. The token comes from
    SDQA_RUNNER_TOKEN, GH_TOKEN or GITHUB_TOKEN, or with --token-stdin; it stays in this process.
    """
    import os
    from dataclasses import replace

    from sdqa.errors import UsageError
    from sdqa.github import check_address
    from sdqa.runner import fleet, foreground
    from sdqa.runner.actions import carry_out
    from sdqa.runner.github import GitHub, check_scope
    from sdqa.runner.place import RunnerFolder, RunnerState, choose_root
    from sdqa.runner.service import choose
    from sdqa.runner.setup import ApplicationSource, actions, check_name, check_user, files, labels_of
    from sdqa.runner.token import find_token, read_token
    from sdqa.runner.users import check_user as check_user_name

    if archive is not None and (download or not sha256):
        raise UsageError("an archive needs its digest, and no download", where=str(archive), hint="--sha256 DIGEST")
    wanted = RunnerState(
        name=check_name(name or _host_name()),
        scope=check_scope(scope),
        api=check_address(_address(api)),
        labels=(),
        group=group,
        service=choose(service, check_user_name(user)),
        isolation=isolation,
        image=image,
        user=check_user_name(user),
    )
    if isolation in fleet.KINDS:
        written = {output / file: content for file, content in fleet.files(isolation, wanted).items()}
        carry_out(files(written), click.echo, dry_run=dry_run)
        return
    check_user(user)
    place = RunnerFolder(choose_root(root, user))
    wanted = replace(wanted, labels=labels_of(place, labels))
    os.umask(0o022)  # what is written here is read by whoever runs jobs; what is secret has a mode of its own
    token = find_token(from_stdin=token_stdin) if dry_run else read_token(from_stdin=token_stdin)
    github = GitHub(scope, token, wanted.api) if token else None
    steps = actions(place, wanted, ApplicationSource(archive, sha256, download), github, resume=resume)
    changed = carry_out(steps, click.echo, dry_run=dry_run)
    if wanted.service == "foreground" and github is not None and not dry_run:
        foreground.serve(place, github, click.echo, lives=lives)
    elif not changed:
        click.echo("nothing was to be done")


@runner.command()
@root_option
@user_option
@stdin_option
@json_option
def status(root: Path | None, user: str, token_stdin: bool, as_json: bool) -> None:
    """What is set up here, and what GitHub knows of it. Exit code 4: no job would be taken."""
    from sdqa.errors import EXIT_INCOMPLETE, EXIT_PASS
    from sdqa.runner.github import GitHub
    from sdqa.runner.place import RunnerFolder, choose_root
    from sdqa.runner.status import status as look
    from sdqa.runner.token import find_token
    from sdqa.runner.users import check_user

    place = RunnerFolder(choose_root(root, check_user(user)))
    token, state = find_token(from_stdin=token_stdin), place.read()
    found = look(place, GitHub(state.scope, token, state.api) if token and state else None)
    click.echo(json.dumps(found.to_json(), indent=1, sort_keys=True) if as_json else "\n".join(found.lines()))
    sys.exit(EXIT_PASS if found.works else EXIT_INCOMPLETE)


@runner.command()
@click.option("--wait", default=0, type=click.IntRange(min=0), metavar="SECONDS", help="Wait for the job that runs.")
@root_option
@user_option
@stdin_option
@dry_option
def drain(wait: int, root: Path | None, user: str, token_stdin: bool, dry_run: bool) -> None:
    """Let no further job begin; the one that runs is finished. Exit code 4: it runs still."""
    from sdqa.errors import EXIT_INCOMPLETE
    from sdqa.runner.actions import carry_out
    from sdqa.runner.github import GitHub
    from sdqa.runner.leaving import drain_actions, wait_until_idle
    from sdqa.runner.place import RunnerFolder, choose_root
    from sdqa.runner.token import read_token
    from sdqa.runner.users import check_user

    place = RunnerFolder(choose_root(root, check_user(user)))
    state = place.read()
    if state is None:
        click.echo("nothing is set up here")
        return
    github = GitHub(state.scope, read_token(from_stdin=token_stdin), state.api)
    carry_out(drain_actions(place, state, github), click.echo, dry_run=dry_run)
    if not dry_run and not wait_until_idle(state, github, seconds=wait, say=click.echo):
        click.echo("it works still, and takes no other job: drain --wait SECONDS waits for it", err=True)
        sys.exit(EXIT_INCOMPLETE)


@runner.command()
@click.option("--force", is_flag=True, help="Also while it works: its job fails.")
@click.option("--local", is_flag=True, help="Only here, without a token: GitHub drops what it lists in time.")
@root_option
@user_option
@stdin_option
@dry_option
def remove(force: bool, local: bool, root: Path | None, user: str, token_stdin: bool, dry_run: bool) -> None:
    """Leave nothing: registrations, service, files, and the user where setup made one."""
    from sdqa.runner.actions import carry_out
    from sdqa.runner.github import GitHub
    from sdqa.runner.leaving import removal_actions
    from sdqa.runner.place import RunnerFolder, choose_root
    from sdqa.runner.token import read_token
    from sdqa.runner.users import check_user

    place = RunnerFolder(choose_root(root, check_user(user)))
    state = place.read()
    if state is None:
        click.echo("nothing is set up here")
        return
    github = None if local else GitHub(state.scope, read_token(from_stdin=token_stdin), state.api)
    carry_out(removal_actions(place, state, github, force=force), click.echo, dry_run=dry_run)


def _address(api: str | None) -> str:
    import os

    from sdqa.github import API

    return api or os.environ.get("GITHUB_API_URL") or API


def _host_name() -> str:
    import platform

    return platform.node().partition(".")[0] or "runner"
