"""Changes that must pass: other names, other orders, other numerics. What alarms on one of these cries wolf.

Together they are the gate's other half: a gate that is red on these is as useless as one that is green on faults.
"""

from __future__ import annotations

import difflib

from sdqa.errors import FaultError
from sdqa.faults import control_edits, control_runs
from sdqa.faults.control_registry import HARMLESS, NegativeControl

REGISTERED = (control_edits, control_runs)
"""The modules whose import fills the registry."""


def all_controls() -> tuple[NegativeControl, ...]:
    """Every registered change."""
    return tuple(HARMLESS.values())


def find_control(name: str) -> NegativeControl:
    """A change by name.

    Raises:
        FaultError: there is no such change.
    """
    known = {change.name: change for change in all_controls()}
    if name not in known:
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or sorted(known)
        raise FaultError(f"there is no harmless change {name!r}", hint=f"did you mean {', '.join(close)}?")
    return known[name]
