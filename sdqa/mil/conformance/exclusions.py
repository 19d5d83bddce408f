"""Tests whose expectation is known, and shown, not to hold: each stands in `exclusions.toml` with its reason."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True)
class Exclusion:
    """One pattern of test ids."""

    pattern: str
    """A regular expression, searched in the test's id."""
    reason: str
    """What is wrong with the expectation."""
    evidence: str
    """How that was shown."""

    def matches(self, test: str) -> bool:
        """Whether a test id is meant."""
        return re.search(self.pattern, test) is not None


def load(text: str | None = None) -> tuple[Exclusion, ...]:
    """The exclusions that ship with the package.

    Args:
        text: TOML to read instead.

    Raises:
        ValueError: if an entry lacks a reason or evidence.
    """
    source = text if text is not None else resources.files(__package__).joinpath("exclusions.toml").read_text("utf-8")
    entries = [Exclusion(**entry) for entry in tomllib.loads(source).get("exclusion", [])]
    for entry in entries:
        if not entry.reason.strip() or not entry.evidence.strip():
            raise ValueError(f"the exclusion of {entry.pattern!r} lacks a reason or evidence")
        re.compile(entry.pattern)
    return tuple(entries)


def matching(test: str, exclusions: Sequence[Exclusion]) -> Exclusion | None:
    """The first exclusion that means a test, if any."""
    return next((exclusion for exclusion in exclusions if exclusion.matches(test)), None)
