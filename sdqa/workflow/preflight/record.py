"""What a look at a plan finds before anything runs."""

from __future__ import annotations

from dataclasses import dataclass

from sdqa.errors import SdqaError


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

    def __add__(self, other: Look) -> Look:
        return Look(self.notes + other.notes, self.lacks + other.lacks)
