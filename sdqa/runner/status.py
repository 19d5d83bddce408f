"""How a runner is: what lies on the machine, and what GitHub knows of it."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from sdqa.runner.github import GitHub, Registered
from sdqa.runner.place import RunnerFolder, RunnerState
from sdqa.runner.service import service_of


@dataclass(frozen=True)
class Status:
    """A runner, seen from both sides."""

    state: RunnerState | None  # None: nothing is set up
    running: bool  # a life is lived
    armed: bool  # a configuration waits for its life
    drained: bool
    registered: tuple[Registered, ...] | None  # ours on GitHub; None: nobody asked

    @property
    def works(self) -> bool:
        """Whether a job that fits would be taken, or one is being done."""
        listening = self.registered is None or any(one.busy or one.status == "online" for one in self.registered)
        return self.state is not None and not self.drained and (self.armed or (self.running and listening))

    def lines(self) -> list[str]:
        """In words."""
        if self.state is None:
            return ["nothing is set up here: sdqa runner setup --scope OWNER/NAME --download"]
        state = self.state
        life = "a life is lived" if self.running else "a configuration waits" if self.armed else "no life"
        found = [
            f"{state.name} of {state.scope} ({', '.join(state.labels)})",
            f"runner {state.version or 'of unknown version'}, {state.service}, {life}",
        ]
        if self.drained:
            found.append("drained: setup --resume lets it work again")
        elif not self.running and not self.armed:
            found.append("setup once more arms the next life")
        if self.registered is None:
            found.append("GitHub was not asked: there is no token")
        elif not self.registered:
            found.append("GitHub lists no life of it")
        for one in self.registered or ():
            found.append(f"GitHub: {one.name} is {'busy' if one.busy else one.status}")
        return found

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "works": self.works}


def status(place: RunnerFolder, github: GitHub | None) -> Status:
    """How the runner is.

    Raises:
        GitHubError: GitHub refuses.
        RunnerError: what is remembered cannot be read.
    """
    state = place.read()
    if state is None:
        return Status(None, running=False, armed=False, drained=False, registered=None)
    return Status(
        state,
        running=service_of(place, state).is_running(),
        armed=place.once.exists(),
        drained=place.drained.exists(),
        registered=None if github is None else tuple(ours(state, github)),
    )


def ours(state: RunnerState, github: GitHub) -> list[Registered]:
    """The lives of this runner that GitHub lists: its name, and eight digits."""
    form = re.compile(rf"{re.escape(state.name)}-[0-9a-f]{{8}}")
    return [one for one in github.runners() if form.fullmatch(one.name) or one.id == state.runner]
