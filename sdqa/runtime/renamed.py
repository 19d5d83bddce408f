"""A runner whose packages use other names than the contract."""

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
