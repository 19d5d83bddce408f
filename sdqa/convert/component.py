"""One component, converted and described."""

from __future__ import annotations

from pathlib import Path

from sdqa.convert.build import build_component
from sdqa.convert.describe import describe_component
from sdqa.convert.record import PackageRecord, record_of
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
