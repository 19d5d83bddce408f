"""What a rung of the ladder is before it is climbed, and what its stage may add."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sdqa.bundle.diagnosis import Stage
from sdqa.runtime import Runner

NORMAL_DB: Mapping[Stage, float] = {"conversion": 75.0, "precision": 57.0, "quantisation": 25.0, "runtime": 45.0}
"""Error that a stage may add (PSNR, mean over calls) without being abnormal. Sound conversions of the embedded model
reach 115 to 153 dB in fp32, 69 to 80 dB in fp16, and 38 to 53 dB with 6-bit palettization. The floors lie between these
and the nearest faults. A device's own floor is `ENGINE_DB`."""
ROUNDED_DB = 50.0
"""The conversion floor where the rounding of weights cannot be taken back, so that it is counted there."""
SAME_RUNTIME_DB = 120.0
"""The runtime floor of the reference runtime, which is the same arithmetic whoever calls it."""


@dataclass(frozen=True)
class Way:
    """One rung: what runs there."""

    name: str
    stage: Stage
    make: Callable[[], Runner]
    normal_db: float  # error that the stage may add
    note: str = ""
