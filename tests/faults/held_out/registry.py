"""Held-out mutations and harmless changes by name, and how a process plants them in its catalogue."""

from __future__ import annotations

import hashlib
import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sdqa.faults.control_registry import HARMLESS, NegativeControl
from sdqa.faults.injection import Effect, Injection
from sdqa.faults.registry import FAULTS, fault, known_faults

MODULES = (
    "weights",
    "quantisation",
    "graph",
    "runtime",
    "glue",
    "schedule",
    "harmless_edits",
    "harmless_operations",
    "harmless_runs",
)
"""The modules whose decorators fill the two dictionaries, by place."""
SUBTLE, SEEN = "mild", "marked"


@dataclass(frozen=True)
class Mutation:
    """One fault at the one severity that it has."""

    name: str
    component: str
    stage: str
    severity: str
    package: str | None
    make: Callable[[], Effect]

    @property
    def code(self) -> str:
        """Digest of the file that it is written in: other code is another entry of the store."""
        return _code_of(self.make)


@dataclass(frozen=True)
class HeldOutControl(NegativeControl):
    """A harmless change of one component, whatever the seed."""

    component: str = ""

    def at(self, seed: int) -> Injection:
        """The change for one seed, which is all that is random in it."""
        effect = self.make(np.random.Generator(np.random.Philox([seed, len(self.name)])))
        return replace(
            super().at(seed),
            component=self.component,
            package_component=self.component,
            level=(seed, _code_of(self.make)),
            glue=effect.glue,
        )


MUTATIONS: dict[str, Mutation] = {}
CONTROLS: dict[str, HeldOutControl] = {}
Make = Callable[[], Effect]
MakeControl = Callable[[np.random.Generator], Effect]


def mutation(
    name: str, *, component: str, stage: str, subtle: bool = False, package: str | None = None
) -> Callable[[Make], Make]:
    """Remember a function as a held-out fault; nothing is planted yet.

    Args:
        subtle: whether it was judged to be only just seen.
        package: whose package or runner it changes, where that is not the blamed component.
    """

    def remember(make: Make) -> Make:
        if name in MUTATIONS:
            raise ValueError(f"the mutation {name!r} is held out twice")
        MUTATIONS[name] = Mutation(name, component, stage, SUBTLE if subtle else SEEN, package, make)
        return make

    return remember


def harmless(
    name: str, *, component: str, variant: Mapping[str, Any] | None = None
) -> Callable[[MakeControl], MakeControl]:
    """Remember a function as a held-out harmless change."""

    def remember(make: MakeControl) -> MakeControl:
        if name in CONTROLS:
            raise ValueError(f"the harmless change {name!r} is held out twice")
        summary = " ".join((make.__doc__ or "").split())
        CONTROLS[name] = HeldOutControl(name, summary, make, dict(variant or {}), component)
        return make

    return remember


def held_out() -> tuple[dict[str, Mutation], dict[str, HeldOutControl]]:
    """All mutations and all harmless changes, in the order of the files."""
    for module in MODULES:
        importlib.import_module(f"tests.faults.held_out.{module}")
    return MUTATIONS, CONTROLS


def plant() -> None:
    """Add everything to the catalogue of this process, which knows the application's mistakes from now on.

    Raises:
        ValueError: a name is one of the catalogue's.
    """
    from tests.faults.held_out.application import install

    mutations, controls = held_out()
    known_faults()
    for one in mutations.values():
        if one.name not in FAULTS:
            register = fault(
                one.name,
                component=one.component,
                stage=one.stage,
                severities={one.severity: one.code},
                package=one.package,
            )
            register(_of_level(one.make))
    for name, control in controls.items():
        if HARMLESS.setdefault(name, control) is not control:
            raise ValueError(f"the harmless change {name!r} is one of the catalogue's")
    install()


def _of_level(make: Make) -> Callable[[Any], Effect]:
    """The same as a function of a severity's level, which is the digest of its code."""

    def effect(_: Any) -> Effect:
        return make()

    effect.__doc__ = make.__doc__
    return effect


def _code_of(function: Callable[..., Any]) -> str:
    return hashlib.sha256(Path(inspect.getfile(function)).read_bytes()).hexdigest()[:16]


@dataclass(frozen=True)
class Counts:
    """How many there are, by the place that is to be blamed."""

    mutations: Mapping[str, int] = field(default_factory=dict)
    subtle: int = 0
    controls: int = 0


def counts() -> Counts:
    """How many are held out."""
    mutations, controls = held_out()
    by_place: dict[str, int] = {}
    for one in mutations.values():
        place = "glue" if one.component == "scheduler" else one.component
        by_place[place] = by_place.get(place, 0) + 1
    return Counts(by_place, sum(one.severity == SUBTLE for one in mutations.values()), len(controls))
