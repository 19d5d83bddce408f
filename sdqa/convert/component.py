"""One component, converted and described; and packages of any converter, compressed."""

from __future__ import annotations

from pathlib import Path

from sdqa.convert.build import build_component, open_model
from sdqa.convert.compression import compress_model
from sdqa.convert.describe import describe_component
from sdqa.convert.package import write_package
from sdqa.convert.record import PackageRecord, record_of
from sdqa.convert.sidecar import write_modules
from sdqa.errors import ConversionError
from sdqa.mil.records import read_modules
from sdqa.models.teacher import Teacher
from sdqa.plan.variant import Variant


def convert_component(
    teacher: Teacher,
    component: str,
    variant: Variant,
    destination: Path,
    *,
    base: Path | None = None,
    isolate: str = "auto",
) -> PackageRecord:
    """Convert one component and take stock of it; arguments and errors as of `build_component`.

    Raises:
        CoverageError: a parameter is missing from the program, or a constant was invented.
    """
    built = build_component(teacher, component, variant, destination, base=base, isolate=isolate)
    described = describe_component(teacher, component, built.paths, where=variant.name, isolate=isolate)
    return record_of(built, described)


def compress(package: Path, variant: Variant, destination: Path) -> Path:
    """Compress a package without its teacher, from any converter: `destination/<same name>.mlpackage`.

    Raises:
        ConversionError: the variant has no recipe, or the recipe fails.
        PackageError: the package is damaged.
    """
    if variant.compression is None:
        raise ConversionError("the variant has no compression recipe", where=variant.name)
    model = compress_model(open_model(package), variant.compression, where=str(package))
    target = destination / package.name
    write_package(model, target, notes={})
    modules = read_modules(package)
    if modules:
        write_modules(target, modules)
    return target
