"""The likeliest spelling of a name that is unknown."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is nearly this one."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)), None)


def not_one_of(name: str, known: Iterable[str]) -> str:
    """`'cormel' is not one of reference, coreml; did you mean 'coreml'?`"""
    names = tuple(known)
    close = closest(name, names)
    return f"{name!r} is not one of {', '.join(names)}" + (f"; did you mean {close!r}?" if close else "")
