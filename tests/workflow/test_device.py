"""What Core ML tells of a lane, with the reference runtime in the place of its predictions."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from sdqa.bundle.fingerprint import Mac
from sdqa.ci.figures import _belied
from sdqa.convert import PackageRecord
from sdqa.errors import ExecutionError
from sdqa.runtime import RUNTIMES
from sdqa.runtime.measured import WARM_UPS, Placement, Timing
from sdqa.workflow.device import _times, footprint, machine_facts, measure_device, place_component, time_component

MAC = Mac(neural_engine_cores=16)
COREML = RUNTIMES["coreml"]
LATENTS = {"z": np.random.default_rng(0).standard_normal((1, 4, 16, 16), dtype=np.float32)}
PLAN = Placement(
    {"neural_engine": 0.75, "gpu": 0.25, "cpu": 0.0},
    {"neural_engine": 30, "gpu": 2, "cpu": 0},
    (("norm", "ios17.layer_norm", 0.25),),
    untold=1,
)


def test_times_are_what_the_gate_makes_of_their_readings() -> None:
    figures = _times(Timing("unet", "ALL", 1.0, (10.00001, 11.0, 12.00004, 13.0, 500.0)), "f")
    assert [flaw for figure in figures for flaw in _belied(figure)] == []


@pytest.mark.usefixtures("backend")
def test_load_and_prediction_times_are_figures_of_their_own(decoder: PackageRecord) -> None:
    load, predict = time_component(decoder, LATENTS, COREML, "CPU_AND_NE", "f")
    assert (load.metric, predict.metric, load.component) == ("load_ms", "predict_ms", "vae_decoder")
    assert load.value is not None
    assert load.value > 0
    assert predict.value == pytest.approx(float(np.median(predict.samples)), abs=1e-3)
    assert predict.n == len(predict.samples) > WARM_UPS
    assert predict.fingerprint == "f"


@pytest.mark.usefixtures("backend")
def test_another_tools_names_are_translated(decoder: PackageRecord) -> None:
    renamed = decoder.model_copy(update={"names": {"latents": "z"}})
    assert time_component(renamed, {"latents": LATENTS["z"]}, COREML, "CPU_ONLY", "f")[1].value


def test_placement_is_a_share_and_names_what_runs_elsewhere(decoder: PackageRecord) -> None:
    asked: list[tuple[Path, str]] = []

    def read(path: Path, unit: str) -> Placement:
        asked.append((path, unit))
        return PLAN

    share, plans = place_component(decoder, "CPU_AND_NE", "f", machine=MAC, read=read)
    assert (share.value, share.unit, share.better) == (75.0, "%", "higher")
    assert asked == [(decoder.path, "CPU_AND_NE")]
    assert plans[0].off_neural_engine == ("norm (ios17.layer_norm, 0.25)",)
    assert plans[0].untold == 1


@pytest.mark.parametrize(
    ("machine", "reason"),
    [
        (Mac(virtual=True), "this virtual Mac has no Neural Engine"),
        (Mac(), "this Mac has no Neural Engine"),
        ("not described: gone", "the machine is unknown: not described: gone"),
    ],
)
def test_a_machine_without_a_neural_engine_is_told_and_not_assumed(
    decoder: PackageRecord, machine: Mac | str, reason: str
) -> None:
    share, plans = place_component(decoder, "CPU_AND_NE", "f", machine=machine, read=lambda *_: PLAN)
    assert (share.value, share.reason, plans) == (None, reason, ())


def test_a_plan_that_core_ml_does_not_give_is_not_measured(decoder: PackageRecord) -> None:
    def refuse(*_: object) -> Placement:
        raise ExecutionError("Core ML gives no compute plan: old system")

    share, _ = place_component(decoder, "ALL", "f", machine=MAC, read=refuse)
    assert share.value is None
    assert "old system" in share.reason


def test_the_footprint_is_its_peak() -> None:
    assert footprint("f", lambda: (1, 2)).value == 2.0


@pytest.mark.usefixtures("backend")
@pytest.mark.skipif(sys.platform == "darwin", reason="there is Core ML")
def test_away_from_a_mac_only_times_and_bits_have_values(decoder: PackageRecord) -> None:
    machine = machine_facts()
    assert isinstance(machine, str)
    assert "no Mac" in machine
    found, plans = measure_device([decoder], {"vae_decoder": LATENTS}, COREML, "ALL", "f", machine)
    values = {figure.metric: figure.value is not None for figure in found}
    assert values == {
        "load_ms": True,
        "predict_ms": True,
        "neural_engine_ran": True,  # it did not, and says that no hardware was there
        "neural_engine_percent": False,
        "footprint_peak_bytes": False,
    }
    assert all(figure.reason for figure in found if figure.value is None)
    assert not plans
