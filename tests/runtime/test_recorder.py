"""Recorders watch without touching; peak memory sees what was allocated meanwhile."""

from __future__ import annotations

from typing import Any

import numpy as np

from sdqa.runtime import Arrays, Recorder
from sdqa.runtime.memory import PeakMemory
from sdqa.runtime.recorder import between_halves


class Doubler:
    component = "unet"

    def run(self, inputs: Arrays) -> dict[str, Any]:
        return {"y": 2 * inputs["x"]}


def test_calls_are_remembered_in_order() -> None:
    recorder = Recorder(Doubler(), keep_tensors=True)
    for value in (1.0, np.nan):
        recorder.run({"x": np.array([value, 1.0], np.float32)})
    assert [call.index for call in recorder.calls] == [0, 1]
    assert [call.nonfinite for call in recorder.calls] == [0, 1]
    assert recorder.seconds > 0
    inputs, outputs = recorder.calls[0].inputs, recorder.calls[0].outputs
    assert inputs is not None
    assert outputs is not None
    np.testing.assert_array_equal(outputs["y"], 2 * inputs["x"])


def test_tensors_are_copied_only_on_request() -> None:
    recorder = Recorder(Doubler())
    recorder.run({"x": np.ones(2, np.float32)})
    assert recorder.calls[0].inputs is None


def test_integer_outputs_are_never_nonfinite() -> None:
    recorder = Recorder(Doubler())
    recorder.run({"x": np.ones(2, np.int32)})
    assert recorder.calls[0].nonfinite == 0


def test_peak_memory_sees_an_allocation() -> None:
    with PeakMemory() as memory:
        block = np.ones(8 * 2**20, np.float64)
        total = float(block.sum())
    assert total == 8 * 2**20
    assert memory.peak_bytes - memory.start_bytes > 32 * 2**20


def test_what_guidance_adds_is_the_distance_of_the_two_rows() -> None:
    rows = np.array([[1.0, 1.0, 1.0, 1.0], [1.0, 3.0, 1.0, 3.0]], np.float16)
    assert between_halves({"y": rows}) == 2**0.5
    recorder = Recorder(Doubler())
    recorder.run({"x": rows})
    assert recorder.calls[0].between_halves == 8**0.5
    assert between_halves({"y": rows[:1]}) is None, "one row: nothing is guided"
    assert between_halves({"y": rows.astype(np.int32)}) is None
    assert between_halves({"y": np.float32(1)}) is None
    assert between_halves({}) is None
