"""What was drawn on one machine is not handed on as another's, and times are those of this run."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sdqa.bundle import environment
from sdqa.generate.noise import Noise
from sdqa.generate.parity import parity, teacher_trace
from sdqa.generate.pipeline import Glue, Request
from sdqa.generate.sample import StoredSample
from sdqa.generate.stage import Components, generate
from sdqa.generate.teacher import teacher_runners
from sdqa.models import Teacher, load_teacher
from sdqa.runtime import Runner, identity, machine
from sdqa.runtime.machine import Machine
from sdqa.runtime.registry import find_runtime
from sdqa.store import Store
from sdqa.workflow.execution import CODE
from sdqa.workflow.figures import resource_measurements

ENGINE = ("MLCPUComputeDevice", "MLGPUComputeDevice", "MLNeuralEngineComputeDevice")
HOSTED = Machine("Apple M1 (Virtual)", "15.5", "24F74", virtual=True, devices=ENGINE[:2], neural_engine_cores=0)
OWN = Machine("Apple M4 Pro", "26.1", "25B78", virtual=False, devices=ENGINE, neural_engine_cores=16)


class Lane:
    """A Core ML lane, as far as the stage sees it; the teacher executes it, and is counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
        self.loads = 0
        self.teacher: Teacher = load_teacher("random:miniature")
        self.store = store
        self.patch = monkeypatch
        zeros = np.zeros((4, 16, 16), np.float32)
        short = Request("a", "", None, 1.0, 2.0, 1, "ddim", Noise(zeros, zeros))
        self.requests = {"short": short, "long": replace(short, steps=3)}

    def on(self, mac: Machine) -> Components:
        """The lane on a machine."""
        for place in (machine, identity):
            self.patch.setattr(place, "describe_machine", lambda: mac, raising=False)
        self.patch.setattr(environment.platform, "system", lambda: "Darwin")
        facts = find_runtime("coreml").execution_identity("CPU_AND_NE", threads=1).facts()
        self.patch.undo()
        return Components(self.load, {"packages": {"unet": "0"}, "execution": facts}, Glue(), CODE)

    def load(self) -> Mapping[str, Runner]:
        self.loads += 1
        return teacher_runners(self.teacher.pipeline_parts(), self.teacher.family)

    def run(self, components: Components, *, measure: bool = False) -> dict[str, StoredSample]:
        return dict(generate(self.teacher, components, self.requests, self.store, measure=measure))


@pytest.fixture
def lane(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Lane:
    return Lane(monkeypatch, Store(tmp_path))


def test_another_machine_draws_for_itself(lane: Lane) -> None:
    """A lane of a virtual M1 with macOS 15.5 was once handed on as one of an M4 Pro with macOS 26.1."""
    first = lane.run(lane.on(HOSTED))
    assert lane.loads == 1
    assert lane.run(lane.on(HOSTED))["short"].folder == first["short"].folder
    assert lane.loads == 1
    second = lane.run(lane.on(OWN))
    assert lane.loads == 2
    assert second["short"].folder != first["short"].folder
    parity(lane.teacher, lane.on(HOSTED), lane.requests, lane.store)
    parity(lane.teacher, lane.on(OWN), lane.requests, lane.store)
    assert lane.loads == 4


@pytest.mark.parametrize(
    "change",
    [
        {"chip": "Apple M4 Max"},
        {"os_build": "25C56"},
        {"virtual": True},
        {"devices": ENGINE[:2]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_fact_of_a_machine_counts(lane: Lane, change: dict[str, object]) -> None:
    assert lane.on(OWN).identity != lane.on(replace(OWN, **change)).identity  # type: ignore[arg-type]


def test_another_processor_or_library_traces_anew(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    request = lane.requests["short"]
    teacher_trace(lane.teacher, request, lane.store)
    assert len(list((lane.store.root / "trace").glob("*/key.json"))) == 1
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    teacher_trace(lane.teacher, request, lane.store)
    monkeypatch.undo()
    monkeypatch.setattr("sdqa.runtime.identity._version", lambda name: f"{name} 99")
    teacher_trace(lane.teacher, request, lane.store)
    assert len(list((lane.store.root / "trace").glob("*/key.json"))) == 3


def test_times_are_measured_in_this_run(lane: Lane) -> None:
    """A budget once judged the times of an earlier run, under this run's fingerprint."""
    mac = lane.on(OWN)
    cold = lane.run(mac, measure=True)
    assert all(sample.fresh for sample in cold.values())
    assert lane.loads == 1
    warm = lane.run(mac, measure=True)
    assert lane.loads == 2
    assert [name for name, sample in warm.items() if sample.fresh] == ["long"]
    assert warm["long"].repeated is True
    assert warm["long"].record.seconds != cold["long"].record.seconds
    assert np.array_equal(warm["long"].image, cold["long"].image)
    assert warm["short"].record == cold["short"].record


def test_figures_say_what_they_were_measured_on(lane: Lane) -> None:
    mac = lane.on(OWN)
    cold, warm = lane.run(mac, measure=True), lane.run(mac, measure=True)
    figures = {m.metric: m for m in resource_measurements(warm, ("unet",), "f")}
    assert set(figures) == {"latency_ms", "inference_s", "end_to_end_s", "peak_memory_bytes"}
    for figure in figures.values():
        assert not figure.replayed
        assert figure.cases == ("long",)
        assert figure.reason == "measured now on long; 1 other was drawn earlier"
    assert figures["end_to_end_s"].value == warm["long"].record.end_to_end_s
    for figure in resource_measurements(cold, ("unet",), "f"):
        assert (figure.replayed, figure.cases, figure.reason) == (False, (), "")


def test_replayed_figures_say_so_and_name_the_machine(lane: Lane) -> None:
    mac = lane.on(OWN)
    lane.run(mac)
    replayed = lane.run(mac)
    for figure in resource_measurements(replayed, ("unet",), "f"):
        assert figure.replayed
        assert figure.measured_on == replayed["long"].record.machine != ""


def test_a_picture_that_does_not_repeat_is_told(lane: Lane) -> None:
    samples = {"a": replace(lane.run(lane.on(OWN))["long"], fresh=True, repeated=False)}
    samples["b"] = replace(samples["a"], fresh=False, repeated=None)
    assert "not the stored one" in resource_measurements(samples, (), "f")[0].reason
