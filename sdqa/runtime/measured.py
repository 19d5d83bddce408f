"""What a device tells of itself: how long a component takes on it, and where its operations run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass

from sdqa.errors import UsageError
from sdqa.runtime.protocol import Arrays, Runner

WARM_UPS = 2
REPETITIONS = 10


@dataclass(frozen=True)
class Timing:
    """Repeated runs of one component on one compute unit."""

    component: str
    compute_unit: str
    load_ms: float
    samples_ms: tuple[float, ...]
    """In the order they were taken, warm-ups left out."""

    @property
    def median_ms(self) -> float:
        """The middle sample."""
        return statistics.median(self.samples_ms)

    @property
    def spread_ms(self) -> float:
        """Standard deviation of the samples, as of every figure: the gate holds it against them."""
        return statistics.pstdev(self.samples_ms)


def time_runner(
    runner: Runner,
    inputs: Arrays,
    *,
    compute_unit: str,
    load_s: float,
    warm_ups: int = WARM_UPS,
    repetitions: int = REPETITIONS,
) -> Timing:
    """Time a component: warm-ups first, then repetitions one by one.

    Args:
        compute_unit: that the runner was made for.
        load_s: seconds that making it took.

    Raises:
        UsageError: fewer than two repetitions have no spread.
    """
    if repetitions < 2:
        raise UsageError(f"{repetitions} repetitions have no spread", hint="at least 2")
    for _ in range(warm_ups):
        runner.run(inputs)
    samples = []
    for _ in range(repetitions):
        started = time.perf_counter()
        runner.run(inputs)
        samples.append((time.perf_counter() - started) * 1000)
    return Timing(runner.component, compute_unit, load_s * 1000, tuple(samples))


@dataclass(frozen=True)
class Placement:
    """Where a runtime says it will run a package's operations."""

    shares: Mapping[str, float]
    """`neural_engine`, `gpu`, `cpu`: share of the estimated cost; sums to 1 over what it could tell."""
    operations: Mapping[str, int]
    """How many operations prefer each device."""
    off_neural_engine: tuple[tuple[str, str, float], ...]
    """Operations that prefer another device: first output, type, share of the cost; most expensive first."""
    untold: int
    """Operations for which no device was named; they are not counted as any."""
