"""What a look at another tool's packages finds before a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Looked:
    """Of one component, as sentences."""

    breaches: tuple[str, ...] = ()
    """What the check `contract` will fail for."""
    remarks: tuple[str, ...] = ()
    """What is to be known of it."""


def unset_words(defaults: Mapping[str, float]) -> list[str]:
    """What is to be said of optional inputs that nobody gives."""
    return [f"the optional input {name!r} is left at its default, {value:g}" for name, value in defaults.items()]
