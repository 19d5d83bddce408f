"""The miniature model, converted once a session: every test of the room reads these packages."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from sdqa.convert import PackageRecord, Variant
from sdqa.convert.stage import convert_one
from sdqa.models import Teacher, load_teacher
from sdqa.store import Store

Convert = Callable[..., PackageRecord]


@pytest.fixture(scope="session")
def teacher() -> Teacher:
    return load_teacher("random:miniature")


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Convert:
    """`packages(component, source="random:miniature", **variant)`: converted on first use, by one process for all."""
    root = tmp_path_factory.getbasetemp()
    store = Store((root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "store")
    known: dict[tuple[str, str, Variant], PackageRecord] = {}

    def convert(component: str, source: str = "random:miniature", **options: object) -> PackageRecord:
        variant = Variant.model_validate({"name": "test", **options})
        key = (component, source, variant)
        if key not in known:
            known[key] = convert_one(load_teacher(source), component, variant, store).record
        return known[key]

    return convert
