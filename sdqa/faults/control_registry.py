"""The negative controls by name: `@negative_control` on the function that makes the change.

Each is a function of a component and a random generator, so that every seed edits another place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sdqa.faults.injection import COMPONENTS, Effect, Injection, package_edit

if TYPE_CHECKING:
    from sdqa.faults.package_editor import PackageEditor
    from sdqa.runtime import Runner

Make = Callable[[np.random.Generator], Effect]
EditFunction = Callable[["PackageEditor", np.random.Generator], None]


@dataclass(frozen=True)
class NegativeControl:
    """A registered change."""

    name: str
    summary: str
    make: Make
    variant: Mapping[str, Any] = field(default_factory=dict)  # the conversion's entries that it replaces

    def at(self, seed: int) -> Injection:
        """The change for one seed, which chooses the component and what is random in it."""
        component = COMPONENTS[seed % len(COMPONENTS)]
        effect = self.make(np.random.Generator(np.random.Philox([seed, len(self.name)])))
        return Injection(
            name=self.name,
            severity=f"seed-{seed}",
            component=component,
            stage="conversion",
            level=seed,
            summary=self.summary,
            package_component=component,
            request=effect.request,
            wrap=effect.wrap,
            figures=effect.figures,
            edit_package=package_edit(effect),
        )


HARMLESS: dict[str, NegativeControl] = {}


def negative_control(name: str, *, variant: Mapping[str, Any] | None = None) -> Callable[[Make], Make]:
    """Register a change that must pass.

    Raises:
        ValueError: the name is taken, or the function does not say what it does.
    """
    if name in HARMLESS:
        raise ValueError(f"the harmless change {name!r} is registered twice")

    def register(make: Make) -> Make:
        summary = " ".join((make.__doc__ or "").split())
        if not summary:
            raise ValueError(f"the harmless change {name!r} does not say what it is")
        HARMLESS[name] = NegativeControl(name, summary, make, dict(variant or {}))
        return make

    return register


def editing(edit: EditFunction, random: np.random.Generator) -> Effect:
    """An effect that edits the package with random choices that are the same at every campaign."""
    seed = int(random.integers(2**63))

    def apply(editor: PackageEditor) -> None:
        edit(editor, np.random.Generator(np.random.Philox(seed)))

    return Effect(edit=apply)


def wrapping(make: Callable[[Runner], Runner]) -> Effect:
    """An effect that puts something around the component's runner."""
    return Effect(wrap=make)
