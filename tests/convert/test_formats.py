"""The formats of packages: every runtime's is known, and none changes what another's are kept under."""

from __future__ import annotations

import pytest

from sdqa.convert.formats import FORMATS, find_format, register
from sdqa.convert.stage import package_key
from sdqa.errors import UsageError
from sdqa.models import Teacher
from sdqa.plan import Variant
from sdqa.runtime import RUNTIMES


def test_every_runtime_names_one() -> None:
    assert {one.package_format for one in RUNTIMES.values()} == set(FORMATS) == {"mlpackage", "aimodel"}
    with pytest.raises(UsageError, match="known: mlpackage, aimodel"):
        find_format("onnx")
    with pytest.raises(ValueError, match="registered twice"):
        register(FORMATS["aimodel"])


def test_packages_are_kept_under_what_they_always_were(teacher: Teacher, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata

    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1")
    facts = Variant(name="v").facts_for("unet")
    own, other = package_key(teacher, "unet", facts), package_key(teacher, "unet", facts, "aimodel")
    assert set(own["versions"]) == {"coremltools", "torch", "diffusers", "transformers"}
    assert "format" not in own
    assert other["format"] == "aimodel"
    assert {"coreai-core", "coreai-torch", "coreai-opt"} < set(other["versions"])
