"""The convert stage: a lane's packages, made once for the same teacher and variant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdqa.convert.formats import find_format
from sdqa.convert.record import PackageRecord
from sdqa.models import ExistingPackages, Teacher
from sdqa.plan import Variant
from sdqa.runtime.registry import MLPACKAGE
from sdqa.store import Entry, Store, source_digest

CODE = ("convert", "families", "compat")
RECORD_FILE = "package.json"


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
    teacher: Teacher,
    variant: Variant,
    store: Store,
    *,
    package_format: str = MLPACKAGE,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, StoredPackage]:
    """All components of a teacher in one variant, in flow order.

    Raises:
        ConversionError: a component cannot be converted; names it.
    """
    return {
        component: convert_one(teacher, component, variant, store, package_format=package_format, say=say)
        for component in teacher.components
    }


def adopted(
    source: str,
    teacher: Teacher,
    variant: Variant | None = None,
    *,
    package_format: str = MLPACKAGE,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, StoredPackage]:
    """Packages that another tool made, where they lie; nothing of them enters the store.

    Args:
        variant: what they are said to be; None where nothing is.

    Raises:
        ModelError: a component has no package.
        ContractError: a package does not fit the teacher.
    """
    form = find_format(package_format)
    folder = Path(source.removeprefix("packages:"))
    existing = ExistingPackages.find(folder, source=source, suffix=form.suffix)
    for line in existing.lines():
        say(line)
    records = form.adopt(existing, teacher, variant)
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
    facts = variant.facts_for(component)
    key = package_key(teacher, component, facts, package_format)

    def build(folder: Path) -> None:
        said = {name: value for name, value in facts.items() if name != "target" or package_format == MLPACKAGE}
        words = ["chunked" if name == "chunked" else str(value) for name, value in said.items() if value]
        say(f"convert {component} ({', '.join(words)})")
        base: Path | None = None
        if facts["compression"]:
            uncompressed = variant.base(component)
            base = convert_one(teacher, component, uncompressed, store, package_format=package_format, say=say).path
        record = find_format(package_format).convert(teacher, component, variant, folder, base)
        (folder / RECORD_FILE).write_text(_moved(record, folder, Path()).model_dump_json(indent=1), encoding="utf-8")

    entry = store.memo("package", key, build)
    return _stored(entry)


def package_key(
    teacher: Teacher, component: str, facts: Mapping[str, Any], package_format: str = MLPACKAGE
) -> dict[str, Any]:
    """What decides a package's bytes."""
    import importlib.metadata

    form = find_format(package_format)
    versions = {name: importlib.metadata.version(name) for name in form.libraries}
    return {
        "teacher": teacher.digest,
        "component": component,
        "variant": dict(facts),
        "versions": versions,
        "code": source_digest(*CODE),
        **({} if package_format == MLPACKAGE else {"format": package_format}),
        **_recipe_facts(facts),
    }


def _recipe_facts(facts: Mapping[str, Any]) -> dict[str, str]:
    """What identifies a recipe that comes with a plugin; the code of sdqa's own is in the key already."""
    if not facts["compression"]:
        return {}
    from sdqa.convert.compression import find_recipe

    code = find_recipe(str(facts["compression"]), where="the variant")[0].code
    return {"recipe": code} if code else {}


def _stored(entry: Entry) -> StoredPackage:
    record = PackageRecord.model_validate_json((entry.path / RECORD_FILE).read_bytes())
    return StoredPackage(_moved(record, Path(), entry.path), entry.fresh)


def _moved(record: PackageRecord, old: Path, new: Path) -> PackageRecord:
    """A record whose paths lie below another folder."""

    def move(path: Path) -> Path:
        return new / path.relative_to(old)

    paths = tuple(move(path) for path in record.paths)
    return record.model_copy(update={"path": move(record.path), "paths": paths, "modules": move(record.modules)})
