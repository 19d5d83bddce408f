"""Runners of packages that use other names than the contract, or another batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sdqa.runtime.protocol import Arrays, Runner


class RenamedRunner:
    """Translates the contract's names to a package's own on the way in, and back on the way out.

    Args:
        runner: what executes the package.
        names: the contract's name to the package's, where they differ.
    """

    def __init__(self, runner: Runner, names: Mapping[str, str]) -> None:
        self.component = runner.component
        self._runner = runner
        self._names = dict(names)
        self._contract = {own: name for name, own in names.items()}

    def run(self, inputs: Arrays) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        """One forward pass; see `Runner.run`."""
        outputs = self._runner.run({self._names.get(name, name): value for name, value in inputs.items()})
        return {self._contract.get(name, name): value for name, value in outputs.items()}


class RowRunner:
    """A U-Net's package of one row, given the contract's pair: row by row; once, where all rows are the same.

    (A pair of equal rows is what stands for a single one: without guidance there is nothing to pair.)
    """

    def __init__(self, runner: Runner) -> None:
        self.component = runner.component
        self._runner = runner

    def run(self, inputs: Arrays) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        """One forward pass; see `Runner.run`."""
        rows = max(np.shape(value)[0] for value in inputs.values())
        alike = all(np.array_equal(value, np.broadcast_to(value[:1], value.shape)) for value in inputs.values())
        results = [
            self._runner.run({name: value[row : row + 1] for name, value in inputs.items()})
            for row in range(1 if alike else rows)
        ]
        if alike:
            results *= rows
        return {name: np.concatenate([result[name] for result in results]) for name in results[0]}
