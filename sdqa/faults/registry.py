"""The faults by name: a dictionary and a decorator.

A fault is a function of its severity's level that says what it does (`Effect`):

    @fault("scaling-factor", component="glue", stage="glue", rows=(22,), severities={"mild": 0.6, …})
    def scaling_factor(factor: float) -> Effect:
        '''The VAE's scaling factor is another model's.'''
        return Effect(glue=Glue(scaling_factor=factor))
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sdqa.errors import FaultError
from sdqa.faults.injection import (
    COMPONENTS,
    DEFAULT_SEVERITY,
    PLACES,
    SEVERITIES,
    STAGES,
    Effect,
    Injection,
    package_culprit,
    package_edit,
)
from sdqa.faults.together import together

CATALOGUE = (
    "weights",
    "layout",
    "graph",
    "constants",
    "precision",
    "compression",
    "contract",
    "glue",
    "schedule",
    "runtime",
    "budget",
)
"""The modules whose decorators fill the registry, one for each place of injection."""


@dataclass(frozen=True)
class Fault:
    """An entry of the registry."""

    name: str
    component: str
    stage: str
    severities: Mapping[str, Any]
    rows: tuple[int, ...]
    package_component: str | None
    summary: str
    effect: Callable[[Any], Effect]

    @property
    def default(self) -> str:
        """The severity that is meant when none is named."""
        return DEFAULT_SEVERITY if DEFAULT_SEVERITY in self.severities else next(iter(self.severities))

    def at(self, severity: str) -> Injection:
        """The fault at one severity.

        Raises:
            FaultError: it has no such severity.
        """
        if severity not in self.severities:
            known = ", ".join(self.severities)
            raise FaultError(f"{self.name} has no severity {severity!r}", hint=f"use one of {known}")
        level = self.severities[severity]
        effect = self.effect(level)
        return Injection(
            name=self.name,
            severity=severity,
            component=self.component,
            stage=self.stage,
            level=level,
            summary=self.summary,
            rows=self.rows,
            package_component=self.package_component,
            glue=effect.glue,
            request=effect.request,
            wrap=effect.wrap,
            figures=effect.figures,
            edit_package=package_edit(effect),
            locate=package_culprit(effect),
        )


FAULTS: dict[str, Fault] = {}
Function = Callable[[Any], Effect]


def fault(
    name: str,
    *,
    component: str,
    stage: str,
    severities: Mapping[str, Any],
    rows: tuple[int, ...] = (),
    package: str | None = None,
) -> Callable[[Function], Function]:
    """Register a function of a severity's level as a fault.

    Args:
        component: what is to be blamed.
        stage: the stage that is to be blamed.
        severities: levels by "mild", "marked", "severe".
        rows: of the catalogue of conversion failures.
        package: whose package or runner it changes, where that is not the blamed component.

    Raises:
        ValueError: the name is taken, or a word is not one of the known ones.
    """
    if name in FAULTS:
        raise ValueError(f"the fault {name!r} is registered twice")
    if component not in PLACES or stage not in STAGES or not severities or not set(severities) <= set(SEVERITIES):
        raise ValueError(f"the fault {name!r} has an unknown component, stage or severity")

    def register(function: Function) -> Function:
        summary = " ".join((function.__doc__ or "").split())
        if not summary:
            raise ValueError(f"the fault {name!r} does not say what it is")
        changed = package or (component if component in COMPONENTS else None)
        FAULTS[name] = Fault(name, component, stage, dict(severities), rows, changed, summary, function)
        return function

    return register


def known_faults() -> dict[str, Fault]:
    """All registered faults by name, in the catalogue's order."""
    for module in CATALOGUE:
        importlib.import_module(f"sdqa.faults.{module}")
    return FAULTS


def injection(name: str, severity: str | None = None) -> Injection:
    """A fault by name, at its default severity unless one is given; `name@severity` and `a+b+…` are understood too.

    Raises:
        FaultError: there is no such fault (the message names close ones) or severity.
    """
    if "+" in name:
        return together(*(injection(one, severity) for one in name.split("+")))
    known = known_faults()
    base, _, suffix = name.partition("@")
    if base not in known:
        close = difflib.get_close_matches(base, known, n=3, cutoff=0.4)
        hint = f"did you mean {', '.join(close)}?" if close else f"the faults are {', '.join(sorted(known))}"
        raise FaultError(f"there is no fault {base!r}", hint=hint)
    if suffix and severity and suffix != severity:
        raise FaultError(f"{name!r} and the severity {severity!r} contradict each other")
    entry = known[base]
    return entry.at(suffix or severity or entry.default)


def all_faults() -> tuple[Fault, ...]:
    """Every registered fault."""
    return tuple(known_faults().values())
