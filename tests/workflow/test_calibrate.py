"""What is normal is learned from sound candidates only."""

from __future__ import annotations

import math

import pytest

from sdqa.bundle import Lane, Measurement
from sdqa.errors import UsageError
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
