"""The formats of packages: every runtime's is known, and each keeps what it makes under its own code."""

from __future__ import annotations

import importlib
from typing import get_args

import pytest

from sdqa.convert.formats import FORMATS, find_format, register
from sdqa.convert.stage import package_key
from sdqa.errors import UsageError
from sdqa.models import Teacher
from sdqa.plan import Variant
from sdqa.plan.variant import Target
from sdqa.runtime import RUNTIMES
from sdqa.store.code import code_digest, own_package


def test_every_runtime_names_one() -> None:
    assert {one.package_format for one in RUNTIMES.values()} == set(FORMATS) == {"mlpackage", "aimodel"}
    with pytest.raises(UsageError, match="known: mlpackage, aimodel"):
        find_format("onnx")
    with pytest.raises(ValueError, match="registered twice"):
        register(FORMATS["aimodel"])


def test_a_key_knows_the_format_its_libraries_and_its_code(teacher: Teacher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: "1")
    facts = Variant(name="v").facts_for("unet")
    own, other = (package_key(teacher, "unet", facts, find_format(name)) for name in ("mlpackage", "aimodel"))
    assert (own["format"], other["format"]) == ("mlpackage", "aimodel")
    assert "coremltools" in own["versions"]
    assert "coremltools" not in other["versions"]
    assert {"coreai-core", "coreai-torch", "coreai-opt", "torch"} < set(other["versions"])
    assert (own["code"], other["code"]) == tuple(code_digest(FORMATS[name].builder) for name in FORMATS)
    assert own["code"] != other["code"]


def test_what_a_variant_says_of_a_target_makes_no_other_asset(teacher: Teacher) -> None:
    older, newer = (Variant(name="v", target=target).facts_for("unet") for target in get_args(Target)[:2])
    assert older != newer
    for name, same in (("aimodel", True), ("mlpackage", False)):
        form = find_format(name)
        assert (package_key(teacher, "unet", older, form) == package_key(teacher, "unet", newer, form)) is same


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_its_modules_do_what_it_asks_of_them(name: str) -> None:
    form = FORMATS[name]
    for module, function in (
        (form.builder, "build_component"),
        (form.describer, "describe_component"),
        (form.adopter, "adopt"),
    ):
        assert callable(getattr(importlib.import_module(module), function))


def test_what_describes_rebuilds_no_package_and_no_format_the_other() -> None:
    package = own_package()
    for form in FORMATS.values():
        built, described = package.closure(form.builder), package.closure(form.describer)
        for module in ("sdqa.mil.profile", "sdqa.convert.coverage", "sdqa.convert.budget", "sdqa.convert.record"):
            assert module in described
            assert module not in built
    core_ml, core_ai = (package.closure(FORMATS[name].builder) for name in ("mlpackage", "aimodel"))
    assert {"sdqa.convert.coreai.program", "sdqa.convert.coreai.compression", "sdqa.families.sd"} <= core_ai
    assert not {name for name in core_ml if name.startswith("sdqa.convert.coreai")}
    assert not {"sdqa.convert.build", "sdqa.convert.package"} & core_ai
    assert "sdqa.convert.coreai.cost" in package.closure(FORMATS["aimodel"].describer)
    assert "sdqa.convert.coreai.cost" not in core_ai
