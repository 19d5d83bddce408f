"""What a look at a plan finds before anything runs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sdqa.errors import SdqaError

if TYPE_CHECKING:
    from pydantic import JsonValue


_VERB = re.compile(r"^sdqa (fetch|goldens|calibrate)\b")
"""Commands that name the suite where it has another name."""


LISTED = 5


@dataclass(frozen=True)
class Note:
    """Something that is as it should be, and worth knowing."""

    subject: str
    """What it is about, in a word: `picture`, `goldens`, `disk` …"""
    text: str


@dataclass(frozen=True)
class Lack:
    """Something that a run would stumble over."""

    subject: str
    what: str
    command: str = ""
    """What to type, or to do, next."""
    in_suite: bool = False
    """The suite itself, or a file that it names, has to be changed."""

    @classmethod
    def of(cls, subject: str, error: SdqaError, *, in_suite: bool = False) -> Lack:
        """What an error says."""
        where = f" ({error.where})" if error.where else ""
        return cls(subject, f"{error.what}{where}", error.hint, in_suite)


@dataclass(frozen=True)
class Look:
    """Notes and lacks of one thing, or of several."""

    notes: tuple[Note, ...] = ()
    lacks: tuple[Lack, ...] = ()

    @property
    def wrong(self) -> bool:
        """Whether the suite has to be changed."""
        return any(lack.in_suite for lack in self.lacks)

    def to_json(self) -> dict[str, JsonValue]:
        """For machines."""
        return {
            "ready": not self.lacks,
            "notes": [{"subject": note.subject, "text": note.text} for note in self.notes],
            "missing": [
                {"subject": lack.subject, "what": lack.what, "command": lack.command, "in_suite": lack.in_suite}
                for lack in self.lacks
            ],
        }

    def lines(self, suite: str = "") -> list[str]:
        """Whether a run can start, and if not, everything that is missing, each with what to do next.

        Args:
            suite: ` --suite FILE` where the commands need it.
        """
        if not self.lacks:
            return [f"ready: sdqa qa{suite}"]
        lines = [f"not ready, {len(self.lacks)} missing:"]
        for lack in self.lacks:
            lines.append(f"  {lack.subject:8} {lack.what}")
            if lack.command:
                command = _VERB.sub(rf"\g<0>{suite}", lack.command)
                lines.append(f"           → {command}")
        return lines

    def __add__(self, other: Look) -> Look:
        return Look(self.notes + other.notes, self.lacks + other.lacks)


def some(names: Iterable[str]) -> str:
    """Names in one line, the first few of many."""
    listed = list(names)
    return ", ".join(listed[:LISTED]) + (f" and {len(listed) - LISTED} more" if len(listed) > LISTED else "")
