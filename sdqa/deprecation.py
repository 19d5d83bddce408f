"""What is on its way out: said once a process, in words, with the version in which it goes.

    deprecated("[checks]", instead="[metrics] names", remove_in="0.4.0")

The arguments are literals, so that a test can read every call in the source: it fails when the version has come, and
whoever releases it removes what was promised to go.
"""

from __future__ import annotations

import warnings

_SAID: set[str] = set()


class Deprecated(FutureWarning):
    """Something that still works and will not for ever; shown by default, also to people who only run sdqa."""


def deprecated(old: str, *, instead: str, remove_in: str) -> None:
    """Warn that something old was used; the second time in a process says nothing.

    Args:
        old: what was used, as its user wrote it.
        instead: what to use.
        remove_in: the first version without it, `MAJOR.MINOR.PATCH`.
    """
    if old in _SAID:
        return
    _SAID.add(old)
    message = f"{old} is deprecated and goes in sdqa {remove_in}; use {instead}"
    warnings.warn(message, Deprecated, stacklevel=3)
