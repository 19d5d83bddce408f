"""Proof that the engine ran: other bits than the CPU's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdqa.convert import PackageRecord
from sdqa.runtime import RUNTIMES, Arrays
from sdqa.runtime.coreml import CoreMLRunner
from sdqa.runtime.engine import prove
from sdqa.workflow.device import prove_engine

COREML = RUNTIMES["coreml"]
LATENTS = {"z": np.random.default_rng(0).standard_normal((1, 4, 16, 16), dtype=np.float32)}


class Rounding:
    """The CPU's outputs, rounded once more wherever the unit is another."""

    component = "vae_decoder"

    def __init__(self, package: Path, unit: str, digits: int) -> None:
        self.runner, self.unit, self.digits = CoreMLRunner(self.component, package, compute_unit=unit), unit, digits

    def run(self, inputs: Arrays) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        found = self.runner.run(inputs)
        return found if self.unit == "CPU_ONLY" else {name: value.round(self.digits) for name, value in found.items()}


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("unit", ["CPU_AND_NE", "ALL"])
def test_equal_bits_mean_that_the_engine_did_not_run(decoder: PackageRecord, unit: str) -> None:
    [found] = prove_engine(decoder, LATENTS, COREML, unit, "f")
    assert (found.metric, found.component, found.value, found.fingerprint) == (
        "neural_engine_ran",
        "vae_decoder",
        0.0,
        "f",
    )
    assert "the engine did not run: the bits equal those of a CPU_ONLY load" in found.reason


@pytest.mark.usefixtures("backend")
def test_away_from_a_mac_it_says_that_no_hardware_was_there(decoder: PackageRecord) -> None:
    def make(unit: str) -> CoreMLRunner:
        return CoreMLRunner("vae_decoder", decoder.path, compute_unit=unit)

    assert prove(make, LATENTS, "CPU_AND_NE", "linux").words.endswith("not executed on hardware: this is no Mac")
    assert "hardware" not in prove(make, LATENTS, "CPU_AND_NE", "darwin").words


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize(("unit", "what"), [("CPU_AND_NE", "the engine ran"), ("ALL", "the engine or the GPU ran")])
def test_one_other_bit_is_proof(decoder: PackageRecord, unit: str, what: str) -> None:
    found = prove(lambda one: Rounding(decoder.path, one, 6), LATENTS, unit, "darwin")
    assert found.ran
    assert found.words == f"{what}: the bits differ from those of a CPU_ONLY load"


@pytest.mark.usefixtures("backend")
def test_a_unit_that_excludes_the_engine_proves_nothing(decoder: PackageRecord) -> None:
    assert prove_engine(decoder, LATENTS, COREML, "CPU_ONLY", "f") == []
    assert prove_engine(decoder, LATENTS, COREML, "CPU_AND_GPU", "f") == []


def test_outputs_that_are_missing_or_shaped_otherwise_are_not_equal() -> None:
    class Fixed:
        component = "c"

        def __init__(self, **outputs: np.ndarray[Any, np.dtype[Any]]) -> None:
            self.outputs = outputs

        def run(self, inputs: Arrays) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
            return self.outputs

    one = np.zeros(4, np.float32)
    for other in (Fixed(a=one.reshape(2, 2)), Fixed(a=one.astype(np.float16)), Fixed(a=-one), Fixed(a=one, b=one)):
        assert prove(lambda unit, other=other: Fixed(a=one) if unit == "CPU_ONLY" else other, {}, "ALL").ran  # type: ignore[misc]
