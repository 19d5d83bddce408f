"""The formats of packages by name: what makes packages of it, what describes them, what takes another tool's.

A runtime names the format that it executes (`Runtime.package_format`). A format names its modules: they are imported
when they are used, and the keys of what they store hold the code that they can reach (`sdqa.convert.stage`).
"""

from __future__ import annotations

import importlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from sdqa.errors import UsageError
from sdqa.runtime.registry import AIMODEL, MLPACKAGE

if TYPE_CHECKING:
    from sdqa.convert.built import Built
    from sdqa.convert.contract import Contract
    from sdqa.convert.looked import Looked
    from sdqa.convert.record import PackageRecord
    from sdqa.models.packages import ExistingPackages
    from sdqa.models.teacher import Teacher
    from sdqa.plan.variant import Variant


class Builder(Protocol):
    """A module that makes packages."""

    def build_component(
        self, teacher: Teacher, component: str, variant: Variant, destination: Path, *, base: Path | None
    ) -> Built:
        """One component's packages in a folder; `base` is the package of `variant.base(component)`, to compress."""


class Describer(Protocol):
    """A module that takes stock of packages."""

    def describe_component(
        self, teacher: Teacher, component: str, packages: tuple[Path, ...], *, where: str
    ) -> PackageRecord:
        """What one component's packages hold, in execution order; `where` names the variant in messages."""


class Adopter(Protocol):
    """A module that takes another tool's packages."""

    def adopt(
        self, existing: ExistingPackages, teacher: Teacher, variant: Variant | None, *, idle: Collection[str]
    ) -> dict[str, PackageRecord]:
        """Their records, in the teacher's flow order, without the idle components."""


class Looker(Protocol):
    """A module that looks at another tool's packages before a run, without torch and without the format's library."""

    def look(
        self, component: str, packages: tuple[Path, ...], expected: Contract | None, variants: Collection[Variant]
    ) -> Looked:
        """What there is to say of a component's packages; without a contract, whatever needs none.

        Raises what adopting them would.
        """


@dataclass(frozen=True)
class PackageFormat:
    """One registered format."""

    name: str
    suffix: str
    builder: str  # module; a `Builder`
    describer: str  # module; a `Describer`
    adopter: str  # module; an `Adopter`
    looker: str  # module; a `Looker`
    libraries: tuple[str, ...]  # distributions whose versions decide a package's bytes
    describing_libraries: tuple[str, ...]  # and those that decide what is read back from it
    ignored: tuple[str, ...]  # what of a variant decides nothing
    tells_placement: bool  # whether a lint says what leaves the Neural Engine
    diagnosed: bool  # whether `sdqa.diagnose` can look into it

    def build(
        self, teacher: Teacher, component: str, variant: Variant, destination: Path, base: Path | None = None
    ) -> Built:
        """See `Builder`."""
        module = cast("Builder", importlib.import_module(self.builder))
        return module.build_component(teacher, component, variant, destination, base=base)

    def describe(self, teacher: Teacher, component: str, packages: tuple[Path, ...], where: str = "") -> PackageRecord:
        """See `Describer`."""
        module = cast("Describer", importlib.import_module(self.describer))
        return module.describe_component(teacher, component, packages, where=where)

    def adopt(
        self, existing: ExistingPackages, teacher: Teacher, variant: Variant | None, idle: Collection[str] = ()
    ) -> dict[str, PackageRecord]:
        """See `Adopter`."""
        module = cast("Adopter", importlib.import_module(self.adopter))
        return module.adopt(existing, teacher, variant, idle=idle)

    def look(
        self, component: str, packages: tuple[Path, ...], expected: Contract | None, variants: Collection[Variant]
    ) -> Looked:
        """See `Looker`."""
        module = cast("Looker", importlib.import_module(self.looker))
        return module.look(component, packages, expected, variants)


FORMATS: dict[str, PackageFormat] = {}


def find_format(name: str) -> PackageFormat:
    """A format by name.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in FORMATS:
        raise UsageError(f"there is no package format {name!r}", hint=f"known: {', '.join(FORMATS)}")
    return FORMATS[name]


def register(one: PackageFormat) -> None:
    """Make a format known.

    Raises:
        ValueError: the name is taken.
    """
    if one.name in FORMATS:
        raise ValueError(f"the package format {one.name!r} is registered twice")
    FORMATS[one.name] = one


TEACHERS = ("diffusers", "numpy", "scikit-learn", "scipy", "torch", "transformers")
"""What a teacher's modules and k-means are made of, whatever they are converted to."""

register(
    PackageFormat(
        name=MLPACKAGE,
        suffix=".mlpackage",
        builder="sdqa.convert.build",
        describer="sdqa.convert.describe",
        adopter="sdqa.convert.adopt",
        looker="sdqa.convert.fit",
        libraries=("coremltools", *TEACHERS),
        describing_libraries=("coremltools", "numpy", "torch"),
        ignored=(),
        tells_placement=True,
        diagnosed=True,
    )
)
register(
    PackageFormat(
        name=AIMODEL,
        suffix=".aimodel",
        builder="sdqa.convert.coreai.build",
        describer="sdqa.convert.coreai.describe",
        adopter="sdqa.convert.coreai.adopt",
        looker="sdqa.convert.coreai.look",
        libraries=("coreai-core", "coreai-opt", "coreai-torch", *TEACHERS),
        describing_libraries=("coreai-core", "numpy", "torch"),
        ignored=("target",),  # assets are for OS 27
        tells_placement=False,
        diagnosed=True,
    )
)
