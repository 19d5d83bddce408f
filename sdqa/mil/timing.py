"""Times as ratios to a reference, for the bench: processor seconds, alternating pairs, medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class BenchRow:
    """One line of the table."""

    what: str
    value: float
    unit: str
    bar: str
    """What is aimed at; empty where nothing is."""


def seconds(run: Callable[[], Any]) -> float:
    """Processor seconds that a call takes."""
    start = time.process_time()
    run()
    return time.process_time() - start


def ratio(run: Callable[[], Any], reference: Callable[[], Any], pairs: int) -> float:
    """The median of run to reference, over alternating pairs after a first of each."""
    run()
    reference()
    return statistics.median(seconds(run) / seconds(reference) for _ in range(pairs))
