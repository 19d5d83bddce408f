"""Figures of a lane that follow from its packages alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sdqa.bundle.facts import ComputePlan
from sdqa.convert.budget import CALIBRATION_COSTS, CHIPS, ComponentCost
from sdqa.convert.coverage import Coverage
from sdqa.plan import Case
from sdqa.workflow.figures import describe_packages, estimated_latency, lane_measurements, leaving_share

ENCODER = ComponentCost("vae_encoder", 68_000_000, 68_000_000, 200_000_000, 1_100_000_000_000, 0)


def stored(cost: ComponentCost, leaving: float = 0.0) -> Any:
    facts: dict[str, Any] = {
        "bytes": cost.weight_bytes_stored,
        "coverage": SimpleNamespace(complete=True),
        "lint": ("checked",),
    }
    facts |= {"breaches": (), "batch": None, "names": {}, "defaults": {}}
    return SimpleNamespace(record=SimpleNamespace(cost=cost, leaving_share=leaving, **facts))


def a_lane(**cases: Case) -> Any:
    return SimpleNamespace(cases=cases, all_cases=cases)


PACKAGES = {cost.component: stored(cost) for cost in (*CALIBRATION_COSTS, ENCODER)}
SHORT = Case(prompt="p", steps=20, strength=0.5, source="scene:portrait/1", scheduler="ddim")
LONG = Case(prompt="p", steps=25, scheduler="pndm")


def test_a_package_is_recorded_with_what_is_known_of_it() -> None:
    finding = SimpleNamespace(
        rule="rank", severity="leaves", reason="too many axes", operations=("a", "b"), modules=("m",) * 9,
        flops_share=0.1234567,
    )  # fmt: skip
    coverage = Coverage(parameters=2, found=1, exact=1, missing=("w",), invented=(), unused=())
    record: Any = SimpleNamespace(
        component="unet", digest="d", bytes=9, operations=3, bit_widths={"16": 4}, average_bits=16.0004,
        histogram={"conv": 3}, coverage=coverage, conversion_seconds=1.23456, peak_bytes=7, leaving_share=0.25,
        lint=(SimpleNamespace(findings=(finding,)),), cost=CALIBRATION_COSTS[0],
    )  # fmt: skip
    package: Any = SimpleNamespace(record=record, path=Path("Unet.mlpackage"), fresh=True)
    (found,) = describe_packages([package], {})
    facts = found.facts.to_json()
    assert "compute_plan_1" not in facts
    assert facts == {
        "bit_widths": {"16": 4},
        "average_bits": 16.0,
        "histogram": {"conv": 3},
        "coverage": coverage.model_dump(mode="json"),
        "conversion_seconds": 1.235,
        "conversion_peak_bytes": 7,
        "neural_engine": {
            "leaving_share": 0.25,
            "findings": [
                {
                    "rule": "rank",
                    "severity": "leaves",
                    "reason": "too many axes",
                    "operations": 2,
                    "modules": ["m"] * 8,
                    "flops_share": 0.123457,
                }
            ],
        },
        "cost": dataclasses.asdict(CALIBRATION_COSTS[0]),
    }
    (planned,) = describe_packages([package], {"unet": [ComputePlan(untold=1), ComputePlan(untold=2)]})
    assert planned.facts.to_json() == {**facts, "compute_plan_1": {"untold": 1}, "compute_plan_2": {"untold": 2}}


def test_the_longest_case_is_estimated_for_every_device() -> None:
    found = estimated_latency(a_lane(short=SHORT, long=LONG), PACKAGES)
    assert found is not None
    assert (found.case, found.steps, found.reason) == ("long", 26, "")
    assert [one.device for one in found.devices] == list(CHIPS)
    for one in found.devices:
        assert one.low_s < one.seconds < one.high_s
        assert 25 * one.step_s < one.seconds < 40 * one.step_s


def test_the_vae_encoder_counts_where_there_is_a_source() -> None:
    text = estimated_latency(a_lane(case=Case(prompt="p", steps=10, scheduler="ddim")), PACKAGES)
    image = estimated_latency(a_lane(case=SHORT), PACKAGES)
    assert text is not None
    assert image is not None
    assert text.steps == image.steps == 10
    assert image.devices[0].seconds > text.devices[0].seconds


def test_a_tiny_model_is_not_estimated_and_the_reason_is_given() -> None:
    tiny = ComponentCost("unet", 5_000_000, 5_000_000, 1_000_000, 10**9, 0)
    found = estimated_latency(a_lane(case=SHORT), {**PACKAGES, "unet": stored(tiny)})
    assert found is not None
    assert not found.devices
    assert "0.06%" in found.reason


def test_without_packages_there_is_no_estimate() -> None:
    assert estimated_latency(a_lane(case=SHORT), {}) is None


def test_the_leaving_share_is_weighted_by_arithmetic() -> None:
    heavy, light = (ComponentCost(name, 0, 0, 0, flops, 0) for name, flops in (("unet", 900), ("vae_decoder", 100)))
    assert leaving_share([stored(heavy, 0.0), stored(light, 0.5)]) == pytest.approx(0.05)
    assert leaving_share([]) == 0


def test_both_ways_of_loading_are_measured() -> None:
    found = {m.metric: m for m in lane_measurements(PACKAGES, {}, "f") if m.component is None}
    everything, one = found["model_memory_bytes"].value, found["one_at_a_time_memory_bytes"].value
    assert everything is not None
    assert one == max(cost.weight_bytes_stored + cost.peak_live_bytes for cost in (*CALIBRATION_COSTS, ENCODER))
    assert everything == sum(c.weight_bytes_stored for c in (*CALIBRATION_COSTS, ENCODER)) + ENCODER.peak_live_bytes
    assert found["off_neural_engine_percent"].value == 0


def test_without_a_lint_nothing_is_said_of_the_neural_engine() -> None:
    unchecked = {name: stored(cost) for cost in CALIBRATION_COSTS for name in (cost.component,)}
    for one in unchecked.values():
        one.record.lint = ()
    estimate = estimated_latency(a_lane(long=LONG), unchecked)
    assert estimate is not None
    assert estimate.devices == ()
    assert estimate.reason == "estimates are calibrated on Core ML packages"
