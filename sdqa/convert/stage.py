"""The convert stage: a lane's packages, made once for the same teacher and variant, and described once.

A conversion is dear and its description cheap, so they are two entries: a change in what counts, lints or matches
weights describes the same packages anew and converts nothing.
"""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdqa.convert.built import Built
from sdqa.convert.formats import PackageFormat, find_format
from sdqa.convert.record import PackageRecord, record_of
from sdqa.models import ExistingPackages, Teacher
from sdqa.plan import Variant
from sdqa.runtime.registry import MLPACKAGE
from sdqa.store import Entry, Store, code_digest

BUILT_FILE = "built.json"
RECORD_FILE = "package.json"


@dataclass(frozen=True)
class StoredPackage:
    """A converted component in the store."""

    record: PackageRecord
    fresh: bool

    @property
    def path(self) -> Path:
        """The package; the first of two where the U-Net is chunked."""
        return self.record.path


def convert(
    teacher: Teacher,
    variant: Variant,
    store: Store,
    *,
    idle: Collection[str] = (),
    package_format: str = MLPACKAGE,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, StoredPackage]:
    """The components of a teacher in one variant, in flow order.

    Args:
        idle: components that nobody runs, and that are left out.
        package_format: a name in `sdqa.convert.formats`.

    Raises:
        ConversionError: a component cannot be converted; names it.
    """
    wanted = [component for component in teacher.components if component not in idle]
    return {
        component: convert_one(teacher, component, variant, store, package_format=package_format, say=say)
        for component in wanted
    }


def adopted(
    source: str,
    teacher: Teacher,
    variant: Variant | None = None,
    *,
    idle: Collection[str] = (),
    package_format: str = MLPACKAGE,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, StoredPackage]:
    """Packages that another tool made, where they lie; nothing of them enters the store.

    Args:
        variant: what they are said to be; None where nothing is.
        idle: components that nobody runs: without a package they are not missed, and with one it is not looked at.
        package_format: which packages are looked for.

    Raises:
        ModelError: a component has no package.
        ContractError: a package does not fit the teacher.
    """
    form = find_format(package_format)
    existing = ExistingPackages.find(Path(source.removeprefix("packages:")), source=source, suffix=form.suffix)
    for line in existing.lines():
        say(line)
    records = form.adopt(existing, teacher, variant, idle)
    return {component: StoredPackage(record, fresh=False) for component, record in records.items()}


def convert_one(
    teacher: Teacher,
    component: str,
    variant: Variant,
    store: Store,
    *,
    package_format: str = MLPACKAGE,
    say: Callable[[str], None] = lambda _: None,
) -> StoredPackage:
    """One component; a compressed one is derived from its uncompressed package."""
    form = find_format(package_format)
    facts = variant.facts_for(component)
    key = package_key(teacher, component, facts, form)

    def build(folder: Path) -> None:
        decisive = {name: value for name, value in facts.items() if value and name not in form.ignored}
        words = ["chunked" if name == "chunked" else str(value) for name, value in decisive.items()]
        say(f"convert {component} ({', '.join(words)})")
        base: Path | None = None
        if facts["compression"]:
            uncompressed = variant.base(component)
            base = convert_one(teacher, component, uncompressed, store, package_format=package_format, say=say).path
        built = form.build(teacher, component, variant, folder, base)
        (folder / BUILT_FILE).write_text(built.moved(folder, Path()).model_dump_json(indent=1), encoding="utf-8")

    entry = store.memo("package", key, build)
    built = Built.model_validate_json((entry.path / BUILT_FILE).read_bytes()).moved(Path(), entry.path)
    described = _described(teacher, component, form, entry, built.paths, store, where=variant.name)
    return StoredPackage(record_of(built, described), entry.fresh)


def _described(
    teacher: Teacher,
    component: str,
    form: PackageFormat,
    package: Entry,
    paths: tuple[Path, ...],
    store: Store,
    *,
    where: str,
) -> PackageRecord:
    """What a stored package holds.

    Raises:
        CoverageError: a parameter is missing from the program, or a constant was invented.
    """
    key = {
        "package": package.content,
        "teacher": teacher.digest,
        "component": component,
        "versions": _versions(*form.describing_libraries),
        "code": code_digest(form.describer),
    }

    def build(folder: Path) -> None:
        record = _moved(form.describe(teacher, component, paths, where), package.path, Path())
        (folder / RECORD_FILE).write_text(record.model_dump_json(indent=1), encoding="utf-8")

    entry = store.memo("description", key, build)
    return _moved(PackageRecord.model_validate_json((entry.path / RECORD_FILE).read_bytes()), Path(), package.path)


def package_key(teacher: Teacher, component: str, facts: Mapping[str, Any], form: PackageFormat) -> dict[str, Any]:
    """What decides a package's bytes."""
    return {
        "format": form.name,
        "teacher": teacher.digest,
        "component": component,
        "variant": {name: value for name, value in facts.items() if name not in form.ignored},
        "versions": _versions(*form.libraries),
        "code": code_digest(form.builder),
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
    """Versions of libraries; one that is not installed is none."""
    found = ((name, _version(name)) for name in names)
    return {name: version for name, version in found if version is not None}


@functools.cache
def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _moved(record: PackageRecord, old: Path, new: Path) -> PackageRecord:
    """A record whose paths lie below another folder."""

    def move(path: Path) -> Path:
        return new / path.relative_to(old)

    paths = tuple(move(path) for path in record.paths)
    return record.model_copy(update={"path": move(record.path), "paths": paths, "modules": move(record.modules)})
