"""Several faults as one, each in its own place."""

from __future__ import annotations

import itertools
from dataclasses import replace

from sdqa.errors import FaultError
from sdqa.faults.injection import Injection

ONCE = ("glue", "request", "figures")
"""What only one of several faults may change."""


def together(*faults: Injection) -> Injection:
    """Single faults, any number of them, as one.

    Raises:
        FaultError: two are in each other's way: both change the same package, or both the glue.
    """
    for one, other in itertools.combinations(faults, 2):
        _demand_apart(one, other)
    first, *rest = faults
    if not rest:
        return first
    return replace(
        first,
        glue=next((one.glue for one in faults if one.glue is not None), None),
        request=next((one.request for one in faults if one.request is not None), None),
        figures=next((one.figures for one in faults if one.figures is not None), None),
        summary=" Besides: ".join(one.summary for one in faults),
        also=tuple(rest),
    )


def _demand_apart(first: Injection, second: Injection) -> None:
    clashes = [name for name in ONCE if getattr(first, name) and getattr(second, name)]
    if first.package_component is not None and first.package_component == second.package_component:
        clashes.append(first.package_component)
    if clashes:
        hint = "one fault a component, and one between the components: leave one of the two out"
        what = f"{first.id} and {second.id} cannot be planted together"
        raise FaultError(what, where=", ".join(clashes), hint=hint)
