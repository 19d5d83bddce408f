"""What a judge is held against: the revision that a service names, or in words why there is none."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from sdqa.bundle import Record
from sdqa.bundle.provenance import unverifiable
from sdqa.ci.revision import commit_of

_NOTHING = re.compile(r"0{40}|0{64}")
PUSH = "push"
"""The event after which a change is in already: what was before it may be gone from the history, and nobody has to
decide any more."""


class Base(Record):
    """A revision or folder; or why there is none."""

    revision: str = ""
    reason: str = ""


def base_of(given: str, suite: Path, environment: Mapping[str, str] | None = None) -> Base:
    """What to hold a suite's judge against.

    Args:
        given: what the service named: a revision, a folder, nothing, or the zeros of a branch that is new.
        suite: the suite's file; its repository is asked.
        environment: the process' own otherwise; `GITHUB_EVENT_NAME` is read.
    """
    event = (os.environ if environment is None else environment).get("GITHUB_EVENT_NAME", "")
    revision = given.strip()
    if _NOTHING.fullmatch(revision):
        return Base(reason="the branch is new, nothing was there before")
    if not revision:
        return Base(reason=f"the event {event!r} names no base" if event else "no base was given: --base")
    if event == PUSH and commit_of(revision, suite) is None and not Path(revision).is_dir():
        if why := unverifiable(suite.parent):
            return Base(reason=f"git does not say what was there before this push: {why}")
        return Base(reason=f"what was there before this push, {revision[:12]}, is not in the history of the checkout")
    return Base(revision=revision)
