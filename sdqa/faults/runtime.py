"""Faults of execution: NaN at a step, garbage in a tile, stale buffers, drift. The package itself is sound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sdqa.faults.injection import Effect
from sdqa.faults.registry import fault
from sdqa.runtime import Arrays, Runner

Outputs = dict[str, np.ndarray[Any, np.dtype[Any]]]
Change = Callable[[int, Outputs, Arrays], Outputs]


class FaultyRunner:
    """A runner whose outputs are changed on the way out; `change(call, outputs, inputs)` gets writable copies."""

    def __init__(self, runner: Runner, change: Change) -> None:
        self.runner = runner
        self.change = change
        self.calls = 0

    @property
    def component(self) -> str:
        """The component that is executed."""
        return self.runner.component

    def run(self, inputs: Arrays) -> Outputs:
        """One forward pass; see `Runner.run`."""
        outputs = {name: np.array(value) for name, value in self.runner.run(inputs).items()}
        call, self.calls = self.calls, self.calls + 1
        return self.change(call, outputs, inputs)


def _wrapped(change: Change) -> Effect:
    return Effect(wrap=lambda runner: FaultyRunner(runner, change))


@fault(
    "nan",
    component="unet",
    stage="runtime",
    rows=(4, 6),
    severities={"mild": (2, 1), "marked": (2, 64), "severe": (0, None)},
)
def nan(place: tuple[int, int | None]) -> Effect:
    """The U-Net puts out NaN at one step (level: which call, how many elements)."""
    step, count = place

    def change(call: int, outputs: Outputs, _: Arrays) -> Outputs:
        if call == step:
            for value in outputs.values():
                value.reshape(-1)[:count] = np.nan
        return outputs

    return _wrapped(change)
