"""Where a runner lies on its machine, and what it remembers of itself. No secret is remembered."""

from __future__ import annotations

import json
import os
import pwd
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from sdqa.errors import RunnerError, UsageError
from sdqa.store import write_atomically

MAX_STATE_BYTES = 2**16
OTHERS = Path("/opt/sdqa-runner")
"""Runners of users of their own: outside their homes, where they could put something else in its place."""


@dataclass(frozen=True)
class RunnerState:
    """What was set up."""

    name: str
    scope: str
    api: str
    labels: tuple[str, ...]
    group: int
    service: str  # launchd, systemd, foreground
    isolation: str = "none"  # or tart: each life in a virtual machine
    image: str = ""  # of the virtual machine; empty is the one that is recommended
    user: str = ""  # whose it is; empty is whoever set it up
    made_user: bool = False
    sha256: str = ""  # of the archive that is unpacked
    version: str = ""  # of the runner; empty where its archive's name did not say it
    runner: int = 0  # GitHub's number for the life that was configured last


@dataclass(frozen=True)
class RunnerFolder:
    """A runner's folder. Everything of it lies here, but the service's own file."""

    root: Path

    @property
    def state_file(self) -> Path:
        """What was set up; without it, nothing here is touched."""
        return self.root / "state.json"

    @property
    def application(self) -> Path:
        """The runner as unpacked; a life begins with a copy of it."""
        return self.root / "application"

    @property
    def work(self) -> Path:
        """All that a job's user can write here: script, hook and application lie outside."""
        return self.root / "work"

    @property
    def life(self) -> Path:
        """Copy, home, temporary files and work of the job that runs; wiped before and after."""
        return self.work / "life"

    @property
    def once(self) -> Path:
        """The configuration of the next life, readable by its owner; the life reads and removes it first."""
        return self.work / "once"

    @property
    def script(self) -> Path:
        """What one life is."""
        return self.root / "life.sh"

    @property
    def hook(self) -> Path:
        """What is asked before each job; outside the application, as GitHub wants it."""
        return self.root / "hooks" / "pre-job.sh"

    @property
    def log(self) -> Path:
        """What a service's lives say."""
        return self.work / "runner.log"

    @property
    def drained(self) -> Path:
        """While this is there, no life begins."""
        return self.root / "drained"

    def read(self) -> RunnerState | None:
        """What was set up here; None where nothing was.

        Raises:
            RunnerError: what is remembered cannot be read.
        """
        hint = "remove the folder by hand, and the runner in the repository's settings"
        try:
            if not self.state_file.is_file():
                return None
            if self.state_file.stat().st_size > MAX_STATE_BYTES:
                raise ValueError("it is too large")
            data = json.loads(self.state_file.read_text(encoding="utf-8"))
            return _state(data)
        except (OSError, ValueError, TypeError) as error:
            raise RunnerError(f"the runner's state cannot be read: {error}", where=str(self.root), hint=hint) from error

    def write(self, state: RunnerState) -> None:
        """Remember; the file is only written where something changes."""
        data = (json.dumps(asdict(state), indent=1, sort_keys=True) + "\n").encode()
        if not self.state_file.is_file() or self.state_file.read_bytes() != data:
            write_atomically(self.state_file, data)


def _state(data: Any) -> RunnerState:
    """Raises ValueError or TypeError where it is none."""
    if not isinstance(data, dict) or set(data) - {field.name for field in fields(RunnerState)}:
        raise ValueError("it is another program's")
    state = RunnerState(**{**data, "labels": tuple(map(str, data.get("labels", ())))})
    wanted = {field.name: {"int": int, "bool": bool, "str": str}.get(str(field.type)) for field in fields(RunnerState)}
    wrong = [name for name, kind in wanted.items() if kind is not None and type(getattr(state, name)) is not kind]
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: not of its kind")
    return state


def choose_root(written: Path | None, user: str) -> Path:
    """The folder: as written, or `.sdqa-runner` in one's home; of another user's runner one that is root's.

    Raises:
        UsageError: it would be a home folder or the whole disk.
    """
    home = home_of(user)
    own = OTHERS / user if user else home / ".sdqa-runner"
    root = (written if written is not None else own).expanduser().absolute()
    if root in (Path("/"), home, Path.home()) or len(root.parts) < 3:
        raise UsageError("a runner needs a folder of its own", where=str(root), hint="--root FOLDER; remove deletes it")
    return root


def home_of(user: str) -> Path:
    """A user's home; where there is no such user yet, where it will be."""
    if not user:
        return Path.home()
    try:
        return Path(pwd.getpwnam(user).pw_dir)
    except KeyError:
        return Path("/Users" if os.uname().sysname == "Darwin" else "/home") / user
