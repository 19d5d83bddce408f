"""The miniature model, converted once a session: every test of the room reads these packages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sdqa.convert import PackageRecord, Variant, convert_component
from sdqa.models import Teacher, load_teacher

Convert = Callable[..., PackageRecord]


@pytest.fixture(scope="session")
def teacher() -> Teacher:
    return load_teacher("random:miniature")


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Convert:
    """`packages(component, source="random:miniature", **variant)`: converted on first use, then remembered."""
    root = tmp_path_factory.mktemp("packages")
    known: dict[tuple[str, str, Variant], PackageRecord] = {}

    def convert(component: str, source: str = "random:miniature", **options: object) -> PackageRecord:
        variant = Variant.model_validate({"name": "test", **options})
        key = (component, source, variant)
        if key not in known:
            base: Path | None = None
            if variant.compresses(component):
                base = convert(component, source, **{**options, "compression": None, "chunked": False}).path
            known[key] = convert_component(load_teacher(source), component, variant, root / str(len(known)), base=base)
        return known[key]

    return convert
