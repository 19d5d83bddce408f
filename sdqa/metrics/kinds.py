"""What a figure of each metric can be: unit, direction and range, of pictures, components and lanes alike.

A metric of pictures says it where it is registered. The figures that a lane adds have it here. Whoever judges a figure
takes direction and range from here, never from the record that brings it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sdqa.bundle import Better, Measurement

NANOSECOND_MS, NANOSECOND_S = 1e-6, 1e-9
"""Nothing that was executed took less."""


@dataclass(frozen=True)
class Kind:
    """What a figure of one metric can be."""

    unit: str
    better: Better
    valid: tuple[float, float]  # closed; plugins may leave it open
    whole: bool = False  # a count, or yes and no
    of_lane: bool = True  # of a component or a whole lane; else of a case

    def flaw(self, metric: str, figure: Measurement) -> str:
        """Why a record cannot be a figure of the metric, in words; empty when it can.

        What is not finite is left to the gate, which passes none of it.
        """
        if figure.better != self.better:
            return f"says that {figure.better} is better, of {metric} it is {self.better}"
        if figure.unit != self.unit:
            return f"is in {figure.unit or 'no unit'}, {metric} is in {self.unit or 'no unit'}"
        low, high = self.valid
        value = figure.value
        if value is None or not math.isfinite(value):
            return ""
        if not low <= value <= high or (self.whole and value != int(value)):
            count = "a whole number, " if self.whole else ""
            return f"{value:.6g} cannot be a value of {metric} ({count}{low:g} to {high:g})"
        return ""


_ANY_MS, _ANY_S = (NANOSECOND_MS, math.inf), (NANOSECOND_S, math.inf)
_BYTES = Kind("B", "lower", (1, math.inf), whole=True)
_PASSED = Kind("", "equal", (0, 1), whole=True)
OF_LANES: Mapping[str, Kind] = {
    "contract": _PASSED,
    "coverage": _PASSED,
    "parity_psnr": Kind("dB", "higher", (-math.inf, 160)),
    "package_bytes": _BYTES,
    "model_memory_bytes": _BYTES,
    "one_at_a_time_memory_bytes": _BYTES,
    "peak_memory_bytes": _BYTES,
    "footprint_peak_bytes": _BYTES,
    "off_neural_engine_percent": Kind("%", "lower", (0, 100)),
    "neural_engine_percent": Kind("%", "higher", (0, 100)),
    "neural_engine_ran": Kind("", "higher", (0, 1), whole=True),
    "latency_ms": Kind("ms", "lower", _ANY_MS),
    "load_ms": Kind("ms", "lower", _ANY_MS),
    "predict_ms": Kind("ms", "lower", _ANY_MS),
    "inference_s": Kind("s", "lower", _ANY_S),
    "end_to_end_s": Kind("s", "lower", _ANY_S),
}
"""Figures of a component or of a whole lane."""


def kinds() -> dict[str, Kind]:
    """Every registered metric's, and those of the figures that a lane adds."""
    from sdqa.metrics import METRICS

    return {**{name: Kind(one.unit, one.better, one.valid, of_lane=False) for name, one in METRICS.items()}, **OF_LANES}
