"""The formats of packages by name: what converts a component to it, what takes another tool's, what it can tell.

A runtime names the format that it executes (`Runtime.package_format`). Nothing heavy is imported before one is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sdqa.convert.record import PackageRecord
from sdqa.errors import UsageError
from sdqa.models.packages import ExistingPackages
from sdqa.models.teacher import Teacher
from sdqa.plan.variant import Variant
from sdqa.runtime.registry import AIMODEL, MLPACKAGE

Convert = Callable[[Teacher, str, Variant, Path, "Path | None"], PackageRecord]
"""Teacher, component, variant, folder, and the package of `variant.base(component)` where one is there."""
Adopt = Callable[[ExistingPackages, Teacher, "Variant | None"], dict[str, PackageRecord]]


@dataclass(frozen=True)
class PackageFormat:
    """One registered format."""

    name: str
    suffix: str
    convert: Convert
    adopt: Adopt
    libraries: tuple[str, ...]  # distributions whose versions decide a package's bytes
    code: tuple[str, ...]  # rooms whose code does
    tells_placement: bool  # whether a lint says what leaves the Neural Engine
    diagnosed: bool  # whether `sdqa.diagnose` can look into it


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


def _convert_mlpackage(
    teacher: Teacher, component: str, variant: Variant, folder: Path, base: Path | None
) -> PackageRecord:
    from sdqa.convert.component import convert_component

    return convert_component(teacher, component, variant, folder, base=base)


def _adopt_mlpackages(
    existing: ExistingPackages, teacher: Teacher, variant: Variant | None
) -> dict[str, PackageRecord]:
    from sdqa.convert.adopt import adopt

    return adopt(existing, teacher, variant)


def _convert_aimodel(
    teacher: Teacher, component: str, variant: Variant, folder: Path, base: Path | None
) -> PackageRecord:
    from sdqa.convert.isolate import run_isolated
    from sdqa.runtime.coreai import require_coreai

    require_coreai()
    return run_isolated(teacher, component, variant, folder, base, package_format=AIMODEL)


def _adopt_aimodels(existing: ExistingPackages, teacher: Teacher, variant: Variant | None) -> dict[str, PackageRecord]:
    from sdqa.convert.adopt import require_all
    from sdqa.convert.isolate import adopt_isolated
    from sdqa.runtime.coreai import require_coreai

    require_coreai()
    require_all(existing, teacher)
    assets = {component: existing.packages[component] for component in teacher.components}
    return {name: adopt_isolated(teacher, name, paths[0], variant) for name, paths in assets.items()}


register(
    PackageFormat(
        name=MLPACKAGE,
        suffix=".mlpackage",
        convert=_convert_mlpackage,
        adopt=_adopt_mlpackages,
        libraries=("coremltools", "torch", "diffusers", "transformers"),
        code=("convert", "families", "compat"),
        tells_placement=True,
        diagnosed=True,
    )
)
register(
    PackageFormat(
        name=AIMODEL,
        suffix=".aimodel",
        convert=_convert_aimodel,
        adopt=_adopt_aimodels,
        libraries=("coreai-core", "coreai-torch", "coreai-opt", "torch", "diffusers", "transformers"),
        code=("convert", "families", "compat"),
        tells_placement=False,
        diagnosed=False,
    )
)
