"""The machine under us, asked through its own commands: every process that this room starts is started here."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sdqa.errors import RunnerError

System = Literal["macos", "linux"]
TOKEN_NAMES = ("SDQA_RUNNER_TOKEN", "GH_TOKEN", "GITHUB_TOKEN")
"""Variables that may hold a token, in the order in which they are asked. No process that is started gets one."""
WAIT_S = 30
MISSING = 127


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    output: str

    @property
    def ok(self) -> bool:
        """Whether it ended well."""
        return self.code == 0


def system() -> System:
    """What runs here.

    Raises:
        RunnerError: neither macOS nor Linux.
    """
    name = platform.system()
    if name not in ("Darwin", "Linux"):
        raise RunnerError(f"a runner cannot be set up on {name}", hint="use a Mac or a Linux machine")
    return "macos" if name == "Darwin" else "linux"


def architecture() -> Literal["arm64", "x64"]:
    """The processor, as GitHub's runner names it."""
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x64"


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a started process sees of ours: everything but tokens."""
    kept = {name: value for name, value in os.environ.items() if name not in TOKEN_NAMES}
    return {**kept, **(more or {})}


def ask(*command: str, wait_s: float = WAIT_S) -> Answer:
    """What a command says; one that is not there, or does not end, says nothing with a code of its own."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=wait_s, env=environment(), check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return Answer(MISSING, "")
    return Answer(done.returncode, done.stdout.strip())


def carry_out(*command: str, wait_s: float = 120) -> None:
    """Run a command that changes something.

    Raises:
        RunnerError: it is not there, or failed.
    """
    shown = " ".join(command)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=wait_s, env=environment(), check=False
        )
    except FileNotFoundError as error:
        raise RunnerError(
            f"there is no {command[0]} here", where=shown, hint="install it, then run this again"
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RunnerError(f"a command did not end well: {error}", where=shown) from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-400:] or f"exit code {done.returncode}"
        raise RunnerError(
            f"a command failed: {said}", where=shown, hint="mend it, then run this again: it goes on here"
        )
