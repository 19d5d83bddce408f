"""Lives in the foreground: register, run one job, wipe, again; the token stays in this process's memory."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from types import FrameType

from sdqa.errors import RunnerError
from sdqa.runner import host, users
from sdqa.runner.github import GitHub
from sdqa.runner.place import RunnerFolder
from sdqa.runner.setup import arm

MAX_FAILURES = 3
"""Lives in a row that end badly before the loop gives up: it is the machine then, and not a job."""
QUICK_S = 30
INHERITED = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)
"""All that a job sees of the environment of whoever started the loop."""


def serve(place: RunnerFolder, github: GitHub, say: Callable[[str], None], *, lives: int = 0) -> int:
    """Live, one job after the other, until drained: how many lives there were.

    Args:
        lives: how many at most; 0 is no limit.

    Raises:
        RunnerError: several lives in a row ended at once, and badly.
        GitHubError: GitHub refuses to register another.
    """
    lived = failed = 0
    with _terminable():
        while (not lives or lived < lives) and not place.drained.exists():
            began = time.monotonic()
            code = _live(place, github, say)
            lived += 1
            failed = failed + 1 if code and time.monotonic() - began < QUICK_S else 0
            if failed >= MAX_FAILURES:
                hint = "sdqa runner doctor; run the script by hand to see what it says"
                raise RunnerError(f"{failed} lives in a row ended with code {code}", where=str(place.script), hint=hint)
    return lived


def _live(place: RunnerFolder, github: GitHub, say: Callable[[str], None]) -> int:
    configured = arm(place, github)
    say(f"{configured.runner.name}: waits for its job")
    state = place.read()
    user, group = users.numbers_of(state.user) if state and state.user else (None, None)
    environment = {name: value for name, value in host.environment().items() if name in INHERITED}
    environment["ACTIONS_RUNNER_INPUT_JITCONFIG"] = configured.encoded
    life = subprocess.Popen(
        ["/bin/sh", str(place.script)],
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        user=user,
        group=group,
        extra_groups=[] if user is not None else None,
    )
    try:
        code = life.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):  # what a job left running belongs to its life
            os.killpg(life.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            life.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(life.pid, signal.SIGKILL)
        github.delete(configured.runner.id)  # gone by itself where the job was done
    say(f"{configured.runner.name}: ended with code {code}")
    return code


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends the loop as a keyboard interrupt does, so that the registration is taken back."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not in the main thread: whoever started this one sees to it
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
