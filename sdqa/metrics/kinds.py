"""What a figure of each metric can be: unit, direction and range, of pictures, components and lanes alike.

A metric of pictures says it where it is registered. The figures that a lane adds have it here. Whoever judges a figure
takes direction and range from here, never from the record that brings it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from sdqa.bundle import Better, Measurement
from sdqa.store import digest_of

NANOSECOND_MS, NANOSECOND_S = 1e-6, 1e-9
"""Nothing that was executed took less."""


@dataclass(frozen=True)
class Kind:
    """What a figure of one metric can be."""

    unit: str
    better: Better
    valid: tuple[float, float]  # closed; plugins may leave it open
    of: Literal["case", "component", "lane"] = "lane"
    whole: bool = False  # a count, or yes and no
    identity: str = ""  # of how it is measured, where that is the same on every machine

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


PARITY_IDENTITY = digest_of({"metric": "parity_psnr", "peak": "reference range", "cap_db": 160, "worst of": "calls"})
"""How parity is measured, by the teacher on the same machine; figures of another identity are not compared."""
_BYTES = Kind("B", "lower", (1, math.inf), whole=True)
_PASSED = Kind("", "equal", (0, 1), "component", whole=True)
_TIME_MS = Kind("ms", "lower", (NANOSECOND_MS, math.inf), "component")
_TIME_S = Kind("s", "lower", (NANOSECOND_S, math.inf))
OF_LANES: Mapping[str, Kind] = {
    "contract": _PASSED,
    "coverage": _PASSED,
    "parity_psnr": Kind("dB", "higher", (-math.inf, 160), "component", identity=PARITY_IDENTITY),
    "package_bytes": replace(_BYTES, of="component"),
    "model_memory_bytes": _BYTES,
    "one_at_a_time_memory_bytes": _BYTES,
    "peak_memory_bytes": _BYTES,
    "footprint_peak_bytes": _BYTES,
    "off_neural_engine_percent": Kind("%", "lower", (0, 100)),
    "neural_engine_percent": Kind("%", "higher", (0, 100), "component"),
    "neural_engine_ran": Kind("", "higher", (0, 1), "component", whole=True),
    "latency_ms": _TIME_MS,
    "load_ms": _TIME_MS,
    "predict_ms": _TIME_MS,
    "inference_s": _TIME_S,
    "end_to_end_s": _TIME_S,
}
"""Figures of a component or of a whole lane."""


def kinds() -> dict[str, Kind]:
    """Every registered metric's, and those of the figures that a lane adds."""
    from sdqa.metrics import METRICS

    return {**{name: Kind(one.unit, one.better, one.valid, "case") for name, one in METRICS.items()}, **OF_LANES}
