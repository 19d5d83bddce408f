"""Runtimes say what they can without loading what executes, and what an execution by them is identified by."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from sdqa.errors import RuntimeUnavailable, UsageError
from sdqa.runtime import RUNTIMES, find_runtime, on_device
from sdqa.runtime.machine import COMPUTE_UNITS


class Echo:
    component = "unet"

    def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return inputs


def test_availability_is_a_reason_and_cheap() -> None:
    assert RUNTIMES["reference"].available("linux") == RUNTIMES["torch"].available("linux") == ""
    assert "macOS" in RUNTIMES["coreml"].available("linux")
    assert RUNTIMES["coreml"].available("darwin") == ""
    code = """
import sys
from sdqa.runtime import RUNTIMES
for one in RUNTIMES.values():
    one.available(), one.execution_identity("CPU_ONLY", threads=1)
sys.exit(', '.join({'torch', 'coremltools'} & set(sys.modules)) or 0)
"""
    if sys.platform != "darwin":  # Core ML's devices are asked for there
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_units_are_chosen_where_there_is_a_choice() -> None:
    assert RUNTIMES["reference"].units(()) == RUNTIMES["torch"].units(()) == ("CPU_ONLY",)
    assert RUNTIMES["coreml"].units(("ALL", "CPU_AND_NE")) == ("ALL", "CPU_AND_NE")
    assert RUNTIMES["coreml"].compute_units == COMPUTE_UNITS
    for name, units in (("coreml", ()), ("coreml", ("ANE",)), ("reference", ("ALL",))):
        with pytest.raises(ValueError, match="compute_units"):
            RUNTIMES[name].units(units)


def test_lanes_are_called_after_their_runtime() -> None:
    assert RUNTIMES["reference"].suffix("CPU_ONLY") == ""
    assert RUNTIMES["torch"].suffix("CPU_ONLY") == "@torch"
    assert RUNTIMES["coreml"].suffix("CPU_AND_NE") == "@coreml-cpu_and_ne"


def test_only_a_device_is_asked_as_one() -> None:
    assert [name for name in RUNTIMES if on_device(name)] == ["coreml"]
    assert not on_device("of a plugin that is not here")


def test_unknown_runtimes_and_missing_packages_are_errors_of_ours() -> None:
    with pytest.raises(RuntimeUnavailable, match="did you mean coreml"):
        find_runtime("cormel")
    with pytest.raises(UsageError, match="needs a package"):
        RUNTIMES["reference"].make_runner("unet")
    with pytest.raises(UsageError, match="got none"):
        RUNTIMES["torch"].make_runner("unet")


def test_torch_is_the_teachers_own_runner() -> None:
    own = Echo()
    assert RUNTIMES["torch"].make_runner("unet", teacher=lambda: own) is own  # type: ignore[arg-type,return-value]


def test_an_execution_is_identified_by_what_decides_its_numbers() -> None:
    one = RUNTIMES["reference"].execution_identity("CPU_ONLY", threads=1)
    assert one == RUNTIMES["reference"].execution_identity("CPU_ONLY", threads=1)
    others = [
        RUNTIMES["torch"].execution_identity("CPU_ONLY", threads=1),
        RUNTIMES["reference"].execution_identity("CPU_ONLY", threads=2),
    ]
    assert one not in others
    facts = one.facts()
    assert facts["runtime"] == "reference"
    assert set(facts["versions"]) == {"numpy", "torch"}
    assert all(facts[name] for name in ("architecture", "processor", "os_build", "devices"))
    assert isinstance(facts["virtual"], bool)
