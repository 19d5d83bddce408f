"""What is found out about single operations of a component, whatever format its package is of."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from sdqa.diagnose.discrepancy import Discrepancy, compare
from sdqa.mil.graph import Node

Array = npt.NDArray[Any]

FP16_MAX = 65504.0
LOST = 1e6
"""Noise (relative to the peak's power) that a result with NaN counts as."""


@dataclass
class Tally:
    """What is found out about one operation, over the replays."""

    node: Node
    added: list[float] = field(default_factory=list)
    carried: list[float] = field(default_factory=list)
    low: float = math.inf
    high: float = -math.inf
    nonfinite: bool = False
    findings: list[str] = field(default_factory=list)
    blame: str = ""  # another operation that is to blame instead: one inserted before it, or one that is missing

    def note(self, finding: str) -> None:
        """Add a finding once."""
        if finding not in self.findings:
            self.findings.append(finding)


def note_range(tally: Tally, result: Array) -> None:
    """Widen an operation's range by a result."""
    if result.dtype.kind != "f" or not result.size:
        return
    finite = result[np.isfinite(result)]
    if finite.size:
        tally.low, tally.high = min(tally.low, float(finite.min())), max(tally.high, float(finite.max()))


def judge(tally: Tally, expected: Array, result: Array, own: Any) -> None:
    """Hold a result on sound inputs, and that of the candidate's own run, against the sound one."""
    if result.shape != expected.shape:
        tally.note(f"gives {list(result.shape)} in place of {list(expected.shape)}")
        tally.added.append(LOST)
        return
    added = compare(expected, result)
    tally.added.append(noise_of(added))
    if not added.finite:
        tally.nonfinite = True
        largest = float(np.abs(expected[np.isfinite(expected)]).max(initial=0.0))
        reason = f", the right ones reach {largest:.3g}, fp16 ends at {FP16_MAX:.0f}" if largest > FP16_MAX else ""
        tally.note(f"{added.nonfinite} values are not finite although its inputs are right{reason}")
    elif result.size > 1 and float(np.ptp(result)) == 0 and float(np.ptp(expected)) > 0:
        tally.note("its result is constant")
    if isinstance(own, np.ndarray) and own.shape == expected.shape:
        tally.carried.append(noise_of(compare(expected, own)))


def noise_of(found: Discrepancy) -> float:
    """A discrepancy's noise, everything lost counting as `LOST`."""
    return min(LOST, found.noise)
