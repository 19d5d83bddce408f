"""Faults by name: complete, unambiguous, and errors that help."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sdqa.errors import EXIT_USAGE, FaultError
from sdqa.faults import Effect, all_faults, fault, injection
from sdqa.faults.injection import COMPONENTS
from sdqa.store import canonical_json


def test_every_severity_of_every_fault_resolves_and_says_what_it_is() -> None:
    for entry in all_faults():
        for severity in entry.severities:
            resolved = injection(entry.name, severity)
            places = (resolved.edit_package, resolved.glue, resolved.request, resolved.wrap, resolved.figures)
            assert any(place is not None for place in places), f"{resolved.id} does nothing"
            assert resolved.summary.endswith(".")
            if resolved.edit_package or resolved.wrap:
                assert resolved.package_component in COMPONENTS
            canonical_json(resolved.facts())


def test_severities_differ_from_each_other() -> None:
    for entry in all_faults():
        levels = [repr(level) for level in entry.severities.values()]
        assert len(set(levels)) == len(levels), entry.name


def test_a_severity_may_be_part_of_the_name() -> None:
    for resolved in (
        injection("unet-2bit@severe"),
        injection("unet-2bit@severe", "severe"),
        injection("unet-2bit", "severe"),
    ):
        assert (resolved.id, resolved.severity) == ("unet-2bit@severe", "severe")
    assert injection("unet-2bit").severity == "marked"


def test_an_unknown_fault_is_answered_with_close_ones() -> None:
    with pytest.raises(FaultError, match=r"did you mean .*vae-decoder-noise") as caught:
        injection("vae-decoder-nois")
    assert caught.value.exit_code == EXIT_USAGE
    with pytest.raises(FaultError, match=r"the faults are .*scaling-factor"):
        injection("zzzz")


def test_an_unknown_severity_is_answered_with_the_known_ones() -> None:
    with pytest.raises(FaultError, match="mild, marked, severe"):
        injection("nan", "deadly")
    with pytest.raises(FaultError, match="contradict"):
        injection("nan@mild", "severe")


def test_a_duplicate_is_loud() -> None:
    with pytest.raises(ValueError, match="registered twice"):
        fault("nan", component="unet", stage="runtime", severities={"mild": 1})


@pytest.mark.parametrize("wrong", [{"component": "lens"}, {"stage": "magic"}, {"severities": {"deadly": 1}}])
def test_unknown_words_are_loud(wrong: dict[str, object]) -> None:
    given = {"component": "unet", "stage": "runtime", "severities": {"mild": 1}, **wrong}
    with pytest.raises(ValueError, match="unknown"):
        fault("test-only", **given)  # type: ignore[arg-type]


def test_an_undocumented_fault_is_loud() -> None:
    with pytest.raises(ValueError, match="does not say"):
        fault("test-only", component="unet", stage="runtime", severities={"mild": 1})(lambda level: Effect())


def test_listing_the_faults_imports_no_torch() -> None:
    heavy = "{'torch', 'diffusers', 'coremltools'}"
    code = f"import sys; from sdqa.faults import all_faults; all_faults(); print(sorted({heavy} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_documentation_lists_every_fault() -> None:
    text = (Path(__file__).parents[2] / "docs" / "faults.md").read_text(encoding="utf-8")
    assert [entry.name for entry in all_faults() if f"| `{entry.name}` |" not in text] == []
