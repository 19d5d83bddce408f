"""Watches a runner: how long each call took, whether its outputs are finite and, on request, what went in and out."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sdqa.runtime.protocol import Arrays, Runner


@dataclass(frozen=True)
class Call:
    """One forward pass of a component."""

    index: int
    seconds: float
    nonfinite: int  # elements of the outputs that are NaN or infinite
    inputs: dict[str, np.ndarray[Any, np.dtype[Any]]] | None = None
    outputs: dict[str, np.ndarray[Any, np.dtype[Any]]] | None = None
    between_halves: float | None = None  # see the function; None where the batch has no halves


@dataclass
class Recorder:
    """A runner that delegates to another and remembers its calls."""

    runner: Runner
    keep_tensors: bool = False
    calls: list[Call] = field(default_factory=list)

    @property
    def component(self) -> str:
        """The component that is executed."""
        return self.runner.component

    def run(self, inputs: Arrays) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        """Delegate, and remember the call."""
        kept = {name: np.array(value) for name, value in inputs.items()} if self.keep_tensors else None
        start = time.perf_counter()
        outputs = self.runner.run(inputs)
        seconds = time.perf_counter() - start
        nonfinite = sum(
            int(value.size - np.isfinite(value).sum()) for value in outputs.values() if value.dtype.kind == "f"
        )
        copied = {name: np.array(value) for name, value in outputs.items()} if self.keep_tensors else None
        self.calls.append(Call(len(self.calls), seconds, nonfinite, kept, copied, between_halves(outputs)))
        return outputs

    @property
    def seconds(self) -> float:
        """Total time spent in the component."""
        return sum(call.seconds for call in self.calls)


def between_halves(outputs: Arrays) -> float | None:
    """Root mean square of the difference between the two rows of a component's first output: what guidance adds, where
    one row has the prompt and the other has not. None where there are not two rows of numbers."""
    first = next(iter(outputs.values()), None)
    if first is None or first.ndim == 0 or first.shape[0] != 2 or first.dtype.kind != "f":
        return None
    difference = first[1].astype(np.float64) - first[0]
    return float(np.sqrt(np.mean(difference * difference)))
