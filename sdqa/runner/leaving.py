"""Take a runner out of work: drained, it finishes its job and takes no other; removed, it leaves nothing."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable

from sdqa.errors import RunnerError
from sdqa.runner import users
from sdqa.runner.actions import Action
from sdqa.runner.github import GitHub
from sdqa.runner.place import OTHERS, RunnerFolder, RunnerState
from sdqa.runner.service import service_of
from sdqa.runner.status import ours
from sdqa.store import write_atomically

POLL_S = 10.0


def drain_actions(place: RunnerFolder, state: RunnerState, github: GitHub) -> list[Action]:
    """Let no further life begin; a runner that waits is taken off GitHub's list, one that works goes on."""

    def mark() -> None:
        write_atomically(place.drained, b"")

    def take_off() -> None:
        busy = [one for one in ours(state, github) if not github.delete(one.id)]
        if not busy:
            service_of(place, state).stop()

    return [
        Action(f"write {place.drained}", mark, place.drained.exists),
        Action(f"remove {place.once}", lambda: place.once.unlink(missing_ok=True), lambda: not place.once.exists()),
        Action(
            f"take lives of {state.name} that wait off {state.scope}, and stop them",
            take_off,
            lambda: all(one.busy for one in ours(state, github)),
            asks=True,
        ),
    ]


def wait_until_idle(
    state: RunnerState,
    github: GitHub,
    *,
    seconds: float,
    say: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> bool:
    """Wait for the job that runs: whether it ended in time."""
    waited = 0.0
    while busy := [one.name for one in ours(state, github) if one.busy]:
        if waited >= seconds:
            return False
        say(f"{', '.join(busy)}: works still")
        step = min(POLL_S, seconds - waited)
        pause(step)
        waited += step
    return True


def removal_actions(
    place: RunnerFolder, state: RunnerState, github: GitHub | None, *, force: bool = False
) -> list[Action]:
    """Leave nothing: registrations, service, files, and the user where setting up made one.

    Args:
        github: None leaves the registrations: GitHub removes those of a just-in-time runner by itself in time.
        force: also while it works; its job fails then.
    """

    def take_off() -> None:
        assert github is not None
        busy = [one.name for one in ours(state, github) if not github.delete(one.id)]
        if busy and not force:
            hint = "sdqa runner drain --wait 3600, then this again; --force lets the job fail"
            raise RunnerError(f"{', '.join(busy)} works", where=state.scope, hint=hint)

    runs = service_of(place, state)
    steps = []
    if github is not None:
        asked = github
        what = f"take lives of {state.name} off {state.scope}"
        steps.append(Action(what, take_off, lambda: not ours(state, asked), asks=True))
    steps += runs.uninstall()
    steps.append(Action(f"remove {place.root}", lambda: _remove_folder(place), lambda: not place.root.exists()))
    if state.made_user:
        steps.append(users.removal(state.user))
    return steps


def _remove_folder(place: RunnerFolder) -> None:
    """The state goes last: what was interrupted can be removed again."""
    try:
        for path in sorted(place.root.iterdir()):
            if path == place.state_file:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        place.state_file.unlink()
        place.root.rmdir()
        if place.root.parent == OTHERS:
            with contextlib.suppress(OSError):  # another user's runner is there
                OTHERS.rmdir()
    except OSError as error:
        hint = "end what still uses it, then run this again"
        raise RunnerError(
            f"the runner's folder cannot be removed: {error}", where=str(place.root), hint=hint
        ) from error
