"""Runners that stand around a sound one and change what goes in or comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sdqa.runtime import Arrays, Runner

Outputs = dict[str, np.ndarray[Any, np.dtype[Any]]]
Change = Callable[[int, Outputs, Arrays], Outputs]


class FaultyRunner:
    """A runner whose outputs are changed on the way out; `change(call, outputs, inputs)` gets writable copies.

    Calls are counted from zero for each generation: a timestep above the one before begins a new one.
    """

    def __init__(self, runner: Runner, change: Change) -> None:
        self.runner = runner
        self.change = change
        self.calls = 0
        self._timestep = np.inf

    @property
    def component(self) -> str:
        """The component that is executed."""
        return self.runner.component

    def run(self, inputs: Arrays) -> Outputs:
        """One forward pass; see `Runner.run`."""
        outputs = {name: np.array(value) for name, value in self.runner.run(inputs).items()}
        if "timestep" in inputs:
            timestep = float(np.reshape(inputs["timestep"], -1)[0])
            self.calls = 0 if timestep > self._timestep else self.calls
            self._timestep = timestep
        call, self.calls = self.calls, self.calls + 1
        return self.change(call, outputs, inputs)


class ScaledInputs:
    """A runner that is fed its inputs moved from [-1, 1] towards [0, 1]."""

    def __init__(self, runner: Runner, share: float) -> None:
        self.runner, self.share = runner, share

    @property
    def component(self) -> str:
        """The component that is executed."""
        return self.runner.component

    def run(self, inputs: Arrays) -> Outputs:
        """One forward pass; see `Runner.run`."""
        moved = {name: value + self.share * ((value + 1) / 2 - value) for name, value in inputs.items()}
        return self.runner.run({name: value.astype(np.float32) for name, value in moved.items()})
