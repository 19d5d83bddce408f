"""What a fault does, resolved to one severity: the places where it acts, and what it is to be blamed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sdqa.bundle import Measurement
from sdqa.families import drawable_components
from sdqa.store import code_digest

if TYPE_CHECKING:
    from sdqa.faults.package_editor import PackageEditor
    from sdqa.generate.pipeline import Glue, Request
    from sdqa.runtime import Runner

SEVERITIES = ("mild", "marked", "severe")
DEFAULT_SEVERITY = "marked"
COMPONENTS = drawable_components()
PLACES = (*COMPONENTS, "glue", "scheduler", "packaging", "budget")
STAGES = ("conversion", "precision", "quantisation", "glue", "runtime", "packaging", "budget")


@dataclass(frozen=True)
class Culprit:
    """The operation or weight that a fault damaged, by the names that the package has for them."""

    operation: str | None = None
    weight: str | None = None


@dataclass(frozen=True)
class Effect:
    """What a fault's function returns for one level. Several places may be set; those that are None stay sound."""

    edit: Callable[[PackageEditor], Culprit | None] | None = None  # changes the component's program and weights
    files: Callable[[Path], None] | None = None  # changes the component's package as files
    glue: Glue | None = None
    request: Callable[[Request], Request] | None = None
    wrap: Callable[[Runner], Runner] | None = None
    figures: Callable[[Measurement], Measurement] | None = None


@dataclass(frozen=True)
class Injection:
    """One fault at one severity, ready to be injected.

    `edit_package` changes a private copy of the component's package in place; `wrap` goes around the component's
    runner, outside the recorder's view of nothing: what it puts out is what the pipeline gets.
    """

    name: str
    severity: str
    component: str  # what is to be blamed: a component, or one of `PLACES`
    stage: str
    level: Any
    summary: str
    rows: tuple[int, ...] = ()  # of the catalogue of conversion failures (docs/faults.md)
    package_component: str | None = None  # whose package or runner is changed
    glue: Glue | None = None
    request: Callable[[Request], Request] | None = None
    wrap: Callable[[Runner], Runner] | None = None
    figures: Callable[[Measurement], Measurement] | None = None
    edit_package: Callable[[Path], None] | None = None
    locate: Callable[[Path], Culprit | None] | None = None  # on a sound package: which operation or weight it will be
    also: tuple[Injection, ...] = ()  # planted at the same time, in other places (`together`)

    @property
    def id(self) -> str:
        """`name@severity`; joined by `+` where several are planted."""
        return "+".join(f"{part.name}@{part.severity}" for part in self.parts)

    @property
    def parts(self) -> tuple[Injection, ...]:
        """Every single fault: its package edit and its wrapper belong to its own component."""
        return (self, *self.also)

    def facts(self) -> dict[str, Any]:
        """What decides the outcome, for the store's keys."""
        return {
            "name": self.name,
            "severity": self.severity,
            "level": repr(self.level),
            **({"also": [part.facts() for part in self.also]} if self.also else {}),
            "code": code_digest("sdqa.faults.registry", "sdqa.faults.controls"),
        }


def editor_of(folder: Path) -> PackageEditor:
    """What edits a package of its format.

    Of an `.aimodel` an editor offers the weights alone; a fault that asks for more is refused by it.
    """
    if folder.suffix == ".aimodel":
        from sdqa.faults.asset_editor import AssetEditor

        return cast("PackageEditor", AssetEditor(folder))
    from sdqa.faults.package_editor import PackageEditor

    return PackageEditor(folder)


def package_edit(effect: Effect) -> Callable[[Path], None] | None:
    """The effect's changes to a package, as one function of its folder."""
    edit, files = effect.edit, effect.files
    if edit is None and files is None:
        return None

    def apply(folder: Path) -> None:
        if edit is not None:
            with editor_of(folder) as editor:
                edit(editor)
        if files is not None:
            files(folder)

    return apply


def package_culprit(effect: Effect) -> Callable[[Path], Culprit | None] | None:
    """Which operation or weight the effect damages, found by a campaign that is not saved."""
    edit = effect.edit
    if edit is None:
        return None

    def run_campaign(folder: Path) -> Culprit | None:
        return edit(editor_of(folder))

    return run_campaign
