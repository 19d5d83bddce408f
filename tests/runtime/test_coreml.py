"""The Core ML runtime with the reference runtime in Core ML's place; compute plans made of coremltools' classes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from coremltools.models import compute_device, compute_plan

from sdqa import mil
from sdqa.convert import PackageRecord
from sdqa.convert.chunking import chunk_package
from sdqa.errors import ExecutionError, InputError, PackageError, RuntimeUnavailable, UsageError
from sdqa.runtime.coreml import CoreMLRunner, read_placement
from sdqa.runtime.machine import COMPUTE_UNITS, assemble, describe_machine, physical_footprint, read_footprint
from sdqa.runtime.measured import Timing, time_runner
from sdqa.runtime.reference import ReferenceRunner

LATENTS = {"z": np.random.default_rng(0).standard_normal((1, 4, 16, 16), dtype=np.float32)}


@pytest.fixture(scope="module")
def decoder(decoder: PackageRecord) -> Path:
    """Where the shared package lies."""
    return decoder.path


@pytest.mark.skipif(sys.platform == "darwin", reason="there is Core ML")
def test_without_core_ml_there_is_one_clear_error(decoder: Path) -> None:
    with pytest.raises(RuntimeUnavailable, match="no Core ML here"):
        CoreMLRunner("vae_decoder", decoder)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("unit", COMPUTE_UNITS)
def test_runner_predicts_through_coremltools(decoder: Path, unit: str) -> None:
    runner = CoreMLRunner("vae_decoder", decoder, compute_unit=unit)
    image = runner.run(LATENTS)["image"]
    np.testing.assert_array_equal(image, mil.load(decoder).predict(LATENTS)["image"])
    assert runner.load_s > 0


@pytest.mark.usefixtures("backend")
def test_chunks_run_in_a_row(decoder: Path, tmp_path: Path) -> None:
    chunks = chunk_package(decoder, tmp_path, stem="VAEDecoder")
    wanted = mil.load(decoder).predict(LATENTS)["image"]
    for runner in (CoreMLRunner("vae_decoder", *chunks), ReferenceRunner("vae_decoder", *chunks)):
        image = runner.run(LATENTS)["image"]
        assert np.abs(image - wanted).max() < 0.01 * np.abs(wanted).max()
    with pytest.raises(InputError, match="missing inputs: z"):
        ReferenceRunner("vae_decoder", *chunks).run({})


@pytest.mark.usefixtures("backend")
def test_missing_inputs_and_units_are_named(decoder: Path) -> None:
    with pytest.raises(InputError, match="missing inputs: z"):
        CoreMLRunner("vae_decoder", decoder).run({"x": LATENTS["z"]})
    with pytest.raises(UsageError, match="CPU_AND_NE"):
        CoreMLRunner("vae_decoder", decoder, compute_unit="ANE")


@pytest.mark.usefixtures("backend")
def test_failures_inside_core_ml_are_translated(decoder: Path) -> None:
    with pytest.raises(ExecutionError, match="Core ML failed"):
        CoreMLRunner("vae_decoder", decoder).run({"z": np.zeros((1, 4, 5, 5), np.float32)})


def test_damaged_packages_are_refused_before_core_ml_sees_them(tmp_path: Path) -> None:
    with pytest.raises(PackageError):
        CoreMLRunner("vae_decoder", tmp_path / "none.mlpackage")


@pytest.mark.usefixtures("backend")
def test_timing_leaves_warm_ups_out(decoder: Path) -> None:
    runner = CoreMLRunner("vae_decoder", decoder)
    calls: list[int] = []
    run = runner.run
    runner.run = lambda inputs: calls.append(1) or run(inputs)  # type: ignore[func-returns-value,method-assign]
    timing = time_runner(runner, LATENTS, compute_unit="ALL", load_s=runner.load_s, warm_ups=1, repetitions=3)
    assert (len(calls), len(timing.samples_ms)) == (4, 3)
    assert timing.load_ms > 0
    with pytest.raises(UsageError):
        time_runner(runner, LATENTS, compute_unit="ALL", load_s=0.1, repetitions=1)


def test_timing_is_a_median_and_a_standard_deviation() -> None:
    timing = Timing("unet", "ALL", 1.0, (10.0, 11.0, 12.0, 13.0, 14.0))
    assert (timing.median_ms, timing.spread_ms) == (12.0, pytest.approx(2**0.5))


def device(kind: str) -> Any:
    return object.__new__(getattr(compute_device, f"ML{kind}ComputeDevice"))


def operation(name: str, kind: str) -> compute_plan.MLModelStructureProgramOperation:
    outputs = [
        compute_plan.MLModelStructureProgramNamedValueType(name, compute_plan.MLModelStructureProgramValueType())
    ]
    return compute_plan.MLModelStructureProgramOperation({}, kind, outputs, [], None)


class Plan:
    """A compute plan as coremltools gives it, with answers by operation."""

    def __init__(self, answers: dict[str, tuple[str, str | None, float | None]]) -> None:
        self.answers = answers
        operations = [operation(name, kind) for name, (kind, _, _) in answers.items()]
        block = compute_plan.MLModelStructureProgramBlock([], operations, [])
        function = compute_plan.MLModelStructureProgramFunction([], block)
        program = compute_plan.MLModelStructureProgram({"main": function})
        self.model_structure = compute_plan.MLModelStructure(None, program, None)

    def get_compute_device_usage_for_mlprogram_operation(self, each: Any) -> Any:
        _, kind, _ = self.answers[each.outputs[0].name]
        return None if kind is None else compute_plan.MLComputePlanDeviceUsage(device(kind), [])

    def get_estimated_cost_for_mlprogram_operation(self, each: Any) -> Any:
        _, _, cost = self.answers[each.outputs[0].name]
        return None if cost is None else compute_plan.MLComputePlanCost(cost)


def test_placement_shares_the_cost_and_lists_what_falls_off() -> None:
    plan = Plan(
        {
            "weight": ("ios17.const", None, None),
            "conv_1": ("ios17.conv", "NeuralEngine", 0.6),
            "norm": ("ios17.layer_norm", "GPU", 0.1),
            "tokens": ("ios17.gather", "CPU", 0.2),
            "cast": ("ios17.cast", "CPU", None),
            "quiet": ("ios17.add", None, None),
        }
    )
    found = read_placement(plan)
    assert found.shares == pytest.approx({"neural_engine": 2 / 3, "gpu": 1 / 9, "cpu": 2 / 9})
    assert found.operations == {"neural_engine": 1, "gpu": 1, "cpu": 2}
    assert [name for name, _, _ in found.off_neural_engine] == ["tokens", "norm", "cast"]
    assert found.untold == 1, "what Core ML does not tell is neither on nor off the Neural Engine"


def test_plans_of_other_models_are_refused() -> None:
    plan = SimpleNamespace(model_structure=compute_plan.MLModelStructure(None, None, None))
    with pytest.raises(ExecutionError, match="ML Program"):
        read_placement(plan)


def test_virtual_mac_without_neural_engine_is_told_apart() -> None:
    engine = device("NeuralEngine")
    engine.__proxy__ = SimpleNamespace(get_total_core_count=lambda: 16)
    virtual = assemble([device("CPU"), device("GPU")], chip="Apple M2 (Virtual)", build="24A335", virtual=True)
    assert virtual.neural_engine_cores == 0
    assert virtual.devices == ("MLCPUComputeDevice", "MLGPUComputeDevice")


def test_footprint_is_read_from_the_documented_words() -> None:
    words = list(range(37))
    assert read_footprint(words) == (2 + 7, 2 + 28)


@pytest.mark.skipif(sys.platform == "darwin", reason="this is a Mac")
def test_away_from_a_mac_nothing_is_assumed() -> None:
    with pytest.raises(RuntimeUnavailable):
        describe_machine()
    with pytest.raises(RuntimeUnavailable):
        physical_footprint()


def test_importing_the_runtime_is_cheap() -> None:
    code = "import sys, sdqa.runtime.coreml, sdqa.runtime.machine; print('coremltools' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
