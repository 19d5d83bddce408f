"""The user that jobs run as: somebody of their own, without rights over the machine."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from sdqa.errors import RunnerError, UsageError
from sdqa.runner import host
from sdqa.runner.actions import Action

MAKES_ONE = "setup makes one, as root: sudo sdqa runner setup --scope OWNER/NAME --download --user NAME"
ADMINISTRATORS = frozenset({"admin", "sudo", "wheel", "root"})
_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,30}")


def check_user(name: str) -> str:
    """A user's name; empty is whoever runs this.

    Raises:
        UsageError: it cannot be one.
    """
    if name and not _NAME.fullmatch(name):
        raise UsageError(f"{name[:60]!r} cannot be a user's name", where="--user", hint="sdqa-runner, say")
    return name


def number_of(name: str) -> int | None:
    """The user's number; None where there is no such user. An empty name is whoever runs this."""
    if not name:
        return os.geteuid()
    said = host.ask("id", "-u", name)
    return int(said.output) if said.ok and said.output.isdigit() else None


def numbers_of(name: str) -> tuple[int, int]:
    """The numbers of a user and of their group.

    Raises:
        RunnerError: there is no such user.
    """
    said = [host.ask("id", option, name) for option in ("-u", "-g")]
    if not all(one.ok and one.output.isdigit() for one in said):
        raise RunnerError(
            f"there is no user {name}",
            hint="setup makes one, as root: sudo sdqa runner setup --scope OWNER/NAME --download --user NAME",
        )
    return int(said[0].output), int(said[1].output)


def is_administrator(name: str) -> bool:
    """Whether a user has rights over the machine."""
    groups = host.ask("id", "-Gn", *([name] if name else [])).output.split()
    return bool(ADMINISTRATORS & set(groups))


def creation(name: str) -> Action:
    """Make the user, where there is none."""
    command = (
        ("sysadminctl", "-addUser", name, "-fullName", "CI runner", "-password", "-")
        if host.system() == "macos"
        else ("useradd", "--create-home", "--shell", "/bin/sh", name)
    )
    return Action(" ".join(command), lambda: _at_the_terminal(command), lambda: number_of(name) is not None)


def removal(name: str) -> Action:
    """Remove the user, and the home that came with it."""
    command = ("sysadminctl", "-deleteUser", name) if host.system() == "macos" else ("userdel", "--remove", name)
    return Action(" ".join(command), lambda: host.carry_out(*command), lambda: number_of(name) is None)


def owner_is(path: Path, name: str) -> bool:
    """Whether something belongs to a user."""
    return path.exists() and path.lstat().st_uid == number_of(name)


def give(path: Path, name: str) -> None:
    """Let something belong to a user; it stays as it is without one.

    Raises:
        RunnerError: there is no such user, or it is not ours to give.
    """
    number = number_of(name)
    if number is None:
        raise RunnerError(
            f"there is no user {name}",
            hint="setup makes one, as root: sudo sdqa runner setup --scope OWNER/NAME --download --user NAME",
        )
    if name:
        os.chown(path, number, -1, follow_symlinks=False)


def _at_the_terminal(command: tuple[str, ...]) -> None:
    """macOS asks for the new user's password itself, so that nobody else sees it."""
    try:
        code = subprocess.run(command, env=host.environment(), check=False).returncode
    except OSError as error:
        raise RunnerError(f"the user cannot be made: {error}", where=command[0]) from error
    if code:
        raise RunnerError(f"the user could not be made: exit code {code}", where=" ".join(command), hint="run as root")
