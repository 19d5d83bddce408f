"""What starts a life: a LaunchAgent on a Mac, a user's systemd unit on Linux, or whoever waits in the foreground."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sdqa.errors import RunnerError, UsageError
from sdqa.runner import host, texts, users
from sdqa.runner.actions import Action
from sdqa.runner.place import RunnerFolder, RunnerState, home_of
from sdqa.store import write_atomically

KINDS = ("auto", "launchd", "systemd", "foreground")
LINGERING = Path("/var/lib/systemd/linger")
BOOTED = Path("/run/systemd/system")
"""There where systemd is what the machine was started with."""


class Service(Protocol):
    """How lives are begun and watched."""

    def install(self) -> list[Action]:
        """What it takes before the first life."""

    def start(self) -> Action:
        """Begin a life."""

    def stop(self) -> None:
        """End the life that runs."""

    def uninstall(self) -> list[Action]:
        """Leave nothing of it."""

    def is_running(self) -> bool:
        """Whether a life is lived."""


def choose(kind: str, user: str) -> str:
    """What `auto` means here.

    Raises:
        UsageError: it does not exist on this system.
    """
    here = host.system()
    if kind == "auto":
        if here == "macos":
            return "launchd"
        there = BOOTED.is_dir() if user else host.ask("systemctl", "--user", "show-environment").ok
        return "systemd" if there else "foreground"
    if {"launchd": "macos", "systemd": "linux"}.get(kind, here) != here:
        raise UsageError(f"there is no {kind} on {here}", where="--service", hint="leave --service out")
    return kind


def service_of(place: RunnerFolder, state: RunnerState) -> Service:
    """The service of a runner that is set up, or will be."""
    kinds: dict[str, Callable[[RunnerFolder, RunnerState], Service]] = {"launchd": LaunchAgent, "systemd": SystemdUnit}
    return kinds.get(state.service, Foreground)(place, state)


def _written(path: Path, data: bytes, user: str) -> Action:
    """A file with such content, in a folder of the user's."""

    def write() -> None:
        missing = [folder for folder in path.parents if not folder.exists()]
        write_atomically(path, data)
        for made in missing:
            users.give(made, user)

    return Action(f"write {path}", write, lambda: path.is_file() and path.read_bytes() == data)


def _removed(path: Path) -> Action:
    return Action(f"remove {path}", lambda: path.unlink(missing_ok=True), lambda: not path.exists())


@dataclass(frozen=True)
class LaunchAgent:
    """launchd, in the graphical session of the runner's user: only there is everything that Core ML may use."""

    place: RunnerFolder
    state: RunnerState

    @property
    def label(self) -> str:
        """What launchd calls it."""
        return f"sdqa.runner.{self.state.name}"

    @property
    def file(self) -> Path:
        """Its property list."""
        return home_of(self.state.user) / "Library" / "LaunchAgents" / f"{self.label}.plist"

    @property
    def domain(self) -> str:
        """The session."""
        return f"gui/{users.number_of(self.state.user)}"

    def install(self) -> list[Action]:
        """Write the agent and load it."""
        load = ("launchctl", "bootstrap", self.domain, str(self.file))
        return [
            _written(self.file, texts.launch_agent(self.place, self.label), self.state.user),
            Action(" ".join(load), lambda: self._load(load), self._is_loaded),
        ]

    def _load(self, command: tuple[str, ...]) -> None:
        if not host.ask("launchctl", "print", self.domain).ok:
            hint = "log in at the screen (or turn automatic login on) as that user, then run this again"
            raise RunnerError("there is no graphical session to run in", where=self.domain, hint=hint)
        host.carry_out(*command)

    def _is_loaded(self) -> bool:
        return host.ask("launchctl", "print", f"{self.domain}/{self.label}").ok

    def start(self) -> Action:
        """Begin a life."""
        command = ("launchctl", "kickstart", f"{self.domain}/{self.label}")
        return Action(" ".join(command), lambda: host.carry_out(*command), self.is_running)

    def stop(self) -> None:
        """End the life that runs."""
        if self.is_running():
            host.carry_out("launchctl", "kill", "SIGTERM", f"{self.domain}/{self.label}")

    def uninstall(self) -> list[Action]:
        """Unload the agent and remove it."""
        command = ("launchctl", "bootout", f"{self.domain}/{self.label}")
        return [
            Action(" ".join(command), lambda: host.carry_out(*command), lambda: not self._is_loaded()),
            _removed(self.file),
        ]

    def is_running(self) -> bool:
        """Whether a life is lived."""
        said = host.ask("launchctl", "print", f"{self.domain}/{self.label}")
        return said.ok and any(line.strip() == "state = running" for line in said.output.splitlines())


@dataclass(frozen=True)
class SystemdUnit:
    """systemd, as a unit of the runner's user."""

    place: RunnerFolder
    state: RunnerState

    @property
    def unit(self) -> str:
        """Its name."""
        return f"sdqa-runner-{self.state.name}.service"

    @property
    def file(self) -> Path:
        """Its file."""
        return home_of(self.state.user) / ".config" / "systemd" / "user" / self.unit

    def _control(self, *words: str) -> tuple[str, ...]:
        whose = [f"--machine={self.state.user}@"] if self.state.user else []
        return ("systemctl", "--user", *whose, *words)

    def install(self) -> list[Action]:
        """Write the unit, let systemd read it, and let it live without a session."""
        reload = self._control("daemon-reload")
        enable = self._control("enable", self.unit)
        linger = ("loginctl", "enable-linger", *([self.state.user] if self.state.user else []))
        name = self.state.user or os.environ.get("USER", "")
        written = _written(self.file, texts.systemd_unit(self.place, self.state.name).encode(), self.state.user)

        def write() -> None:
            written.do()
            host.carry_out(*reload)

        return [
            Action(
                " ".join(linger), lambda: host.carry_out(*linger), lambda: bool(name) and (LINGERING / name).exists()
            ),
            Action(f"{written.what}; {' '.join(reload)}", write, written.is_done),
            Action(
                " ".join(enable),
                lambda: host.carry_out(*enable),
                lambda: host.ask(*self._control("is-enabled", self.unit)).ok,
            ),
        ]

    def start(self) -> Action:
        """Begin a life."""
        command = self._control("start", "--no-block", self.unit)
        return Action(" ".join(command), lambda: host.carry_out(*command), self.is_running)

    def stop(self) -> None:
        """End the life that runs."""
        if self.is_running():
            host.carry_out(*self._control("stop", self.unit))

    def uninstall(self) -> list[Action]:
        """Stop the unit and remove it."""
        disable = self._control("disable", "--now", self.unit)
        reload = self._control("daemon-reload")

        def remove() -> None:
            self.file.unlink(missing_ok=True)
            host.carry_out(*reload)

        gone = lambda: not self.file.exists()  # noqa: E731
        return [
            Action(" ".join(disable), lambda: host.carry_out(*disable), gone),
            Action(f"remove {self.file}; {' '.join(reload)}", remove, gone),
        ]

    def is_running(self) -> bool:
        """Whether a life is lived."""
        return host.ask(*self._control("is-active", self.unit)).output in ("active", "activating")


@dataclass(frozen=True)
class Foreground:
    """Nobody but the command that waits (`foreground.py`): there is nothing to install."""

    place: RunnerFolder
    state: RunnerState

    def install(self) -> list[Action]:
        """Nothing."""
        return []

    def start(self) -> Action:
        """The command itself begins lives."""
        return Action("wait for jobs in the foreground", lambda: None)

    def stop(self) -> None:
        """The life ends when its registration is gone; the command that waits sees to it."""

    def uninstall(self) -> list[Action]:
        """Nothing."""
        return []

    def is_running(self) -> bool:
        """Whether a life is lived: its folder is there as long."""
        return self.place.life.exists()
