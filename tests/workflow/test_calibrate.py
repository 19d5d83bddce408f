"""What is normal is learned from sound candidates only."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from sdqa.bundle import Lane, Measurement
from sdqa.errors import UsageError
from sdqa.runtime.engine import ENGINE_DB
from sdqa.workflow.calibrate import SOUND_DB, demand_sound


def lane(**parity: float | None) -> Lane:
    figures = tuple(
        Measurement(metric="parity_psnr", component=component, value=value, unit="dB", better="higher")
        for component, value in parity.items()
    )
    return Lane(
        id="tiny/fp16", model="tiny", variant="fp16", runtime="reference", compute_unit="CPU_ONLY", measurements=figures
    )


def test_a_sound_lane_may_say_what_is_normal() -> None:
    demand_sound(lane(unet=SOUND_DB, vae_encoder=80.0, vae_decoder=None))


@pytest.mark.parametrize("parity", [22.0, -3.0, math.nan])
def test_a_broken_component_is_refused_by_name(parity: float) -> None:
    with pytest.raises(UsageError, match=r"vae_encoder .* dB, 35 dB is the least \(tiny/fp16\)") as refused:
        demand_sound(lane(unet=64.0, vae_encoder=parity))
    assert "unet" not in str(refused.value)
    assert "sdqa diagnose" in str(refused.value)


def test_a_healthy_engine_may_say_what_is_normal_on_it() -> None:
    """SD 1.5's U-Net sits at 34 to 36 dB on an M2 Pro's Neural Engine: that is its arithmetic, not a fault."""
    device = lane(unet=34.0).model_copy(update={"runtime": "coreml", "compute_unit": "CPU_AND_NE"})
    demand_sound(device)
    with pytest.raises(UsageError, match="30 dB is the least"):
        demand_sound(lane(unet=ENGINE_DB - 1).model_copy(update={"runtime": "coreml"}))


def test_tables_of_devices_are_kept_when_another_machine_calibrates(tmp_path: Path) -> None:
    from sdqa.bundle import Environment
    from sdqa.gate import Tolerance, Tolerances

    def measured(place: str, *names: str) -> Tolerances:
        tables: dict[str, dict[str, Tolerance]] = {name: {} for name in names}
        environment = Environment(processor=place)
        risk = {"checks": 1, "false_alarms": 0.1, "confidence": 0.9}
        return Tolerances.model_validate({"model": "tiny", **risk, "environment": environment, "variants": tables})

    mac = measured("M4", "fp16@coreml-cpu_and_ne")
    linux = measured("EPYC", "fp16", "old")
    both = mac.beside(linux, everything=True)
    assert set(both.variants) == {"fp16", "old", "fp16@coreml-cpu_and_ne"}
    assert {name: place.processor for name, place in both.environments.items()} == {"fp16": "EPYC", "old": "EPYC"}
    again = measured("EPYC", "fp16").beside(both, everything=False)
    assert set(again.variants) == {"fp16", "fp16@coreml-cpu_and_ne"}, "a variant that is planned no more goes"
    assert {name: place.processor for name, place in again.environments.items()} == {"fp16@coreml-cpu_and_ne": "M4"}
    again.save(tmp_path / "tolerances.json", "first")
    assert Tolerances.load(tmp_path / "tolerances.json") == again
    assert "environments" not in linux.model_dump(mode="json")
