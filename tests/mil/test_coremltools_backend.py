"""coremltools' own MLModel on this runtime."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import coremltools as ct
import numpy as np
import pytest
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import types

from sdqa import compat, mil
from sdqa.errors import RuntimeUnavailable

from .conftest import Convert


@pytest.mark.usefixtures("backend")
def test_mlmodel_predicts_as_the_runtime_does(network: Path, image: Any) -> None:
    model = ct.models.MLModel(str(network))
    (theirs,), (ours,) = model.predict({"x": image}).values(), mil.load(network).predict({"x": image}).values()
    np.testing.assert_array_equal(theirs, ours)
    batch = model.predict([{"x": image}, {"x": image}])
    assert len(batch) == 2


@pytest.mark.usefixtures("backend")
def test_states_work_through_mlmodel(convert: Convert) -> None:
    @mb.program(input_specs=[mb.StateTensorSpec((2,), dtype=types.fp16)], opset_version=ct.target.iOS18)
    def program(memory: Any) -> Any:
        one = mb.add(x=mb.read_state(input=memory), y=np.float16(1))
        return mb.identity(x=mb.coreml_update_state(state=memory, value=one), name="y")

    model = ct.models.MLModel(str(convert(program, "backend_state", target=ct.target.iOS18, half=True)))
    state = model.make_state()
    model.predict({}, state)
    assert model.predict({}, state)["y"].tolist() == [2, 2]
    state.write_state("memory", np.zeros(2, np.float16))
    assert state.read_state("memory").tolist() == [0, 0]
    with pytest.raises(RuntimeError, match="no state"):
        state.read_state("other")


@pytest.mark.usefixtures("backend")
def test_errors_are_runtime_errors_as_the_extensions_are(network: Path) -> None:
    with pytest.raises(RuntimeError, match="shape"):
        ct.models.MLModel(str(network)).predict({"x": np.zeros((1, 3, 9, 9), np.float32)})


def test_uninstalling_leaves_coremltools_as_it_was(network: Path) -> None:
    before = dict(vars(ct.models.model))
    mil.coremltools_backend.install(everywhere=True)
    assert ct.models.model._is_macos()
    mil.coremltools_backend.uninstall()
    after = vars(ct.models.model)
    assert all(after[name] is before[name] for name in ("_MLModelProxy", "_is_macos", "_macos_version"))
    with compat.quiet_coremltools():
        model = ct.models.MLModel(str(network))
    with pytest.raises(Exception, match=r"CoreML\.framework|supported on macOS"):
        model.predict({"x": np.zeros((1, 3, 6, 6), np.float32)})


@pytest.mark.usefixtures("backend")
def test_benchmarks_of_coremltools_have_durations(network: Path) -> None:
    from coremltools.models.ml_program.experimental.perf_utils import MLModelBenchmarker

    benchmarker = MLModelBenchmarker(ct.models.MLModel(str(network)))
    loads = asyncio.run(benchmarker.benchmark_load(iterations=2))
    predictions = asyncio.run(benchmarker.benchmark_predict(iterations=3, warmup=True))
    assert len(loads.samples) == 2
    assert len(predictions.samples) == 3
    assert min(*loads.samples, *predictions.samples) > 0


@pytest.mark.usefixtures("backend")
def test_durations_are_of_the_last_prediction(network: Path, image: Any) -> None:
    model = ct.models.MLModel(str(network))
    assert model.load_duration_in_nano_seconds
    assert model.last_predict_duration_in_nano_seconds is None
    model.predict({"x": image})
    assert model.last_predict_duration_in_nano_seconds


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize(
    "ask",
    [
        lambda path: ct.models.compute_plan.MLComputePlan.load_from_path(path),
        lambda path: ct.models.compute_plan.MLModelStructure.load_from_path(path),
        lambda path: mil.coremltools_backend.ModelProxy.compileModel(path),
        lambda path: ct.models.compute_device.MLComputeDevice.get_all_compute_devices(),
        lambda path: ct.models.MLModel.get_available_compute_devices(),
        lambda path: ct.models.model.MLModelAsset.from_path(path),
        lambda path: ct.models.model.MLModelAsset.from_memory(b""),
    ],
    ids=["plan", "structure", "compile", "all devices", "devices", "asset", "asset in memory"],
)
def test_what_only_a_mac_can_say_is_refused(network: Path, ask: Callable[[str], Any]) -> None:
    with pytest.raises(RuntimeUnavailable, match="only Core ML on macOS"):
        ask(str(network))
    with pytest.raises(RuntimeError, match="SDQA-421"):
        ask(str(network))
