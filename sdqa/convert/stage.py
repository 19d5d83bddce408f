"""The convert stage: a lane's packages, made once for the same teacher and variant, and described once.

A conversion is dear and its description cheap, so they are two entries: a change in what counts, lints or matches
weights describes the same packages anew and converts nothing.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdqa.convert import PackageRecord
from sdqa.convert.adopt import adopt
from sdqa.convert.build import Built, build_component
from sdqa.convert.component import record_of
from sdqa.convert.describe import describe_component
from sdqa.errors import ModelError
from sdqa.models import ExistingPackages, Teacher, load_source
from sdqa.plan import Variant
from sdqa.store import Entry, Store, code_digest

BUILT_FILE = "built.json"
RECORD_FILE = "package.json"
LIBRARIES = ("coremltools", "diffusers", "numpy", "scikit-learn", "scipy", "torch", "transformers")
"""Whose versions decide a package's bytes; a library that is not installed is none."""


@dataclass(frozen=True)
class StoredPackage:
    """A converted component in the store."""

    record: PackageRecord
    fresh: bool

    @property
    def path(self) -> Path:
        """The .mlpackage; the first of two where the U-Net is chunked."""
        return self.record.path


def convert(
    teacher: Teacher, variant: Variant, store: Store, *, say: Callable[[str], None] = lambda _: None
) -> dict[str, StoredPackage]:
    """All components of a teacher in one variant, in flow order.

    Raises:
        ConversionError: a component cannot be converted; names it.
    """
    return {component: convert_one(teacher, component, variant, store, say=say) for component in teacher.components}


def adopted(
    source: str, teacher: Teacher, variant: Variant | None = None, *, say: Callable[[str], None] = lambda _: None
) -> dict[str, StoredPackage]:
    """Packages that another tool made, where they lie; nothing of them enters the store.

    Args:
        variant: what they are said to be; None where nothing is.

    Raises:
        ModelError: a component has no package.
        ContractError: a package does not fit the teacher.
    """
    existing = load_source(source)
    if not isinstance(existing, ExistingPackages):
        raise ModelError("the source names no packages", where=source)
    for line in existing.lines():
        say(line)
    records = adopt(existing, teacher, variant)
    return {component: StoredPackage(record, fresh=False) for component, record in records.items()}


def convert_one(
    teacher: Teacher,
    component: str,
    variant: Variant,
    store: Store,
    *,
    say: Callable[[str], None] = lambda _: None,
) -> StoredPackage:
    """One component; a compressed one is derived from its uncompressed package."""
    facts = variant.facts_for(component)
    key = package_key(teacher, component, facts)

    def build(folder: Path) -> None:
        words = ["chunked" if name == "chunked" else str(value) for name, value in facts.items() if value]
        say(f"convert {component} ({', '.join(words)})")
        base: Path | None = None
        if facts["compression"]:
            base = convert_one(teacher, component, variant.base(component), store, say=say).path
        built = build_component(teacher, component, variant, folder, base=base)
        (folder / BUILT_FILE).write_text(built.moved(folder, Path()).model_dump_json(indent=1), encoding="utf-8")

    entry = store.memo("package", key, build)
    built = Built.model_validate_json((entry.path / BUILT_FILE).read_bytes()).moved(Path(), entry.path)
    described = _described(teacher, component, variant, entry, built.paths, store)
    return StoredPackage(record_of(built, described), entry.fresh)


def _described(
    teacher: Teacher, component: str, variant: Variant, package: Entry, paths: tuple[Path, ...], store: Store
) -> PackageRecord:
    """What a stored package holds.

    Raises:
        CoverageError: a parameter is missing from the program, or a constant was invented.
    """
    key = {
        "package": package.content,
        "teacher": teacher.digest,
        "component": component,
        "versions": _versions("coremltools", "numpy", "torch"),
        "code": code_digest("sdqa.convert.describe"),
    }

    def build(folder: Path) -> None:
        record = _moved(describe_component(teacher, component, paths, where=variant.name), package.path, Path())
        (folder / RECORD_FILE).write_text(record.model_dump_json(indent=1), encoding="utf-8")

    entry = store.memo("description", key, build)
    return _moved(PackageRecord.model_validate_json((entry.path / RECORD_FILE).read_bytes()), Path(), package.path)


def package_key(teacher: Teacher, component: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What decides a package's bytes."""
    return {
        "teacher": teacher.digest,
        "component": component,
        "variant": dict(facts),
        "versions": _versions(*LIBRARIES),
        "code": code_digest("sdqa.convert.build"),
        **_recipe_facts(facts),
    }


def _recipe_facts(facts: Mapping[str, Any]) -> dict[str, str]:
    """What identifies a recipe that comes with a plugin; the code of sdqa's own is in the key already."""
    if not facts["compression"]:
        return {}
    from sdqa.convert.compression import find_recipe

    code = find_recipe(str(facts["compression"]), where="the variant")[0].code
    return {"recipe": code} if code else {}


def _versions(*names: str) -> dict[str, str]:
    found = {}
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _moved(record: PackageRecord, old: Path, new: Path) -> PackageRecord:
    """A record whose paths lie below another folder."""

    def move(path: Path) -> Path:
        return new / path.relative_to(old)

    paths = tuple(move(path) for path in record.paths)
    return record.model_copy(update={"path": move(record.path), "paths": paths, "modules": move(record.modules)})
