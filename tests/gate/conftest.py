"""Lanes and tolerances made by hand, so that every verdict can be worked out on paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from sdqa.bundle import Lane, Measurement
from sdqa.gate.tolerances import HarmlessNoise, NearestFault, Tolerance, Tolerances
from tests.builders import lane_record

Figures = Mapping[str, Sequence[float | None]]
MakeLane = Callable[..., Lane]
DIRECTION: dict[str, Any] = {
    "psnr": {"unit": "dB", "better": "higher"},
    "lpips": {"better": "lower"},
    "clip_score": {"better": "higher"},
    "finite": {"better": "higher"},
    "shape": {"better": "higher"},
}


@pytest.fixture
def make_lane() -> MakeLane:
    def make(figures: Figures, goldens: Mapping[str, float] | None = None, **rest: Any) -> Lane:
        """A lane with cases `case-0`, `case-1` …; `figures` gives each metric's value per case."""
        golden = {"lpips": 0.0, "clip_score": 0.7, "finite": 1.0, "shape": 1.0, **(goldens or {})}
        measurements = tuple(
            Measurement(metric=metric, case=f"case-{i}", value=value, golden=golden.get(metric), **DIRECTION[metric])
            for metric, values in figures.items()
            for i, value in enumerate(values)
        )
        extra = rest.pop("measurements", ())
        facts = {"model": "tiny", "variant": "fp16", "measurements": (*measurements, *extra)}
        return lane_record("tiny/fp16", **{**facts, **rest})

    return make


def tolerance(metric: str, limit: float, case_limit: float, severe: float, of: str = "difference") -> Tolerance:
    facts = DIRECTION[metric]
    return Tolerance(
        metric=metric,
        better=facts["better"],
        unit=facts.get("unit", ""),
        of=of,
        limit=limit,
        case_limit=case_limit,
        severe=severe,
        harmless=HarmlessNoise(n=30, mean=0, sd=1, worst=0, bound=0, case_bound=0, conditions=("fp32 re-run",)),
        nearest_fault=NearestFault(name="unet-2bit", mean=1, typical=1),
        date="2026-01-01T00:00:00+00:00",
    )


@pytest.fixture
def tolerances() -> Tolerances:
    """psnr: mean ≥ 50, a case ≥ 45, severe 30; lpips: ≤ 0.01, 0.02, 0.1; clip_score: ≥ -0.02, -0.05, -0.2."""
    table = {
        "psnr": tolerance("psnr", 50, 45, 30, of="value"),
        "lpips": tolerance("lpips", 0.01, 0.02, 0.1),
        "clip_score": tolerance("clip_score", -0.02, -0.05, -0.2),
    }
    return Tolerances(model="tiny", checks=100, false_alarms=0.001, confidence=0.95, variants={"fp16": table})
