from __future__ import annotations

import pytest

from sdqa.convert.budget import (
    CALIBRATION_COSTS,
    CALIBRATION_STEPS,
    CHIPS,
    ComponentCost,
    calibration_ratios,
    efficiency,
    estimate_latency,
    estimate_memory,
    measure_costs,
)
from sdqa.convert.inventory import take_inventory
from tests.builders import Convert

pytestmark = pytest.mark.slow

TEXT = ComponentCost("text_encoder", 100, 400, 10, 10**9, 500)
UNET = ComponentCost("unet", 1000, 4000, 300, 10**12, 9000)
ENCODER = ComponentCost("vae_encoder", 50, 50, 500, 10**12, 900)
DECODER = ComponentCost("vae_decoder", 60, 60, 700, 10**12, 900)
ALL = (TEXT, UNET, ENCODER, DECODER)


def test_loading_one_at_a_time_needs_the_hungriest_component_only() -> None:
    memory = estimate_memory(ALL)
    assert memory.load_all_bytes == 100 + 1000 + 50 + 60 + 700
    assert memory.one_at_a_time_bytes == 1300
    assert memory.stored_bytes == 1210
    assert estimate_memory(ALL, unpacked=True).load_all_bytes == 400 + 4000 + 50 + 60 + 700


def test_costs_are_read_from_the_packages(packages: Convert) -> None:
    whole, small = packages("unet"), packages("unet", compression="palettize-4bit")
    before, after = (measure_costs({"unet": record.paths})[0] for record in (whole, small))
    assert before.flops == after.flops > 10**8
    assert after.weight_bytes_stored < 0.45 * before.weight_bytes_stored
    assert after.weight_bytes_unpacked == pytest.approx(before.weight_bytes_unpacked, rel=0.01)
    assert before.peak_live_bytes == after.peak_live_bytes > 0
    weights = sum(int(bits) / 8 * count for bits, count in take_inventory(whole.path).bit_widths().items())
    assert before.weight_bytes_stored == pytest.approx(weights, rel=0.01)


def test_chunks_cost_what_the_whole_costs(packages: Convert) -> None:
    whole = measure_costs({"unet": packages("unet", compression="palettize-4bit").paths})[0]
    chunks = measure_costs({"unet": packages("unet", compression="palettize-4bit", chunked=True).paths})[0]
    assert chunks.flops == pytest.approx(whole.flops, rel=0.01)
    assert chunks.weight_bytes_stored == pytest.approx(whole.weight_bytes_stored, rel=0.02)


def test_estimates_lie_within_a_quarter_of_apples_table() -> None:
    ratios = calibration_ratios()
    assert set(ratios) == {name for name, chip in CHIPS.items() if chip.published_s and not chip.reduced_memory}
    assert all(0.75 < ratio < 1.25 for ratio in ratios.values())
    assert 0.05 < efficiency() < 0.6


def test_one_held_out_device_is_still_estimated_within_a_third() -> None:
    # leaving a device out moves the mean efficiency by the fifth part of its own deviation
    ratios = calibration_ratios()
    assert all(abs(ratio ** (len(ratios) / (len(ratios) - 1)) - 1) < 1 / 3 for ratio in ratios.values())


def test_estimate_says_that_it_is_one_and_how_far_off_it_may_be() -> None:
    estimate = estimate_latency(CALIBRATION_COSTS, CALIBRATION_STEPS, "iPhone 14 Pro Max")
    assert estimate.low_s <= 7.9 <= estimate.high_s
    assert "estimate" in str(estimate)
    assert "7.9 s" in str(estimate)


def test_estimate_grows_with_steps_and_shrinks_with_the_chip() -> None:
    few, many = (estimate_latency(ALL, steps, "iPhone 14").seconds for steps in (10, 20))
    assert many > few
    assert estimate_latency(ALL, 10, "iPhone 12 Pro Max").seconds > few
    assert estimate_latency(ALL, 10, "iPhone 14", image_to_image=True).seconds > few


def test_unknown_devices_are_a_key_error() -> None:
    with pytest.raises(KeyError):
        estimate_latency(ALL, 10, "iPhone 3G")
