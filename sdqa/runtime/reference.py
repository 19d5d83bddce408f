"""Runs a component's .mlpackage with the reference runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sdqa import mil
from sdqa.runtime.protocol import Arrays


class ReferenceRunner:
    """One package, loaded once; see `sdqa.mil.load` for `precision` and `fuse`."""

    def __init__(self, component: str, package: Path, *, precision: str = "declared", fuse: bool = True) -> None:
        self.component = component
        self.package = package
        self.program = mil.load(package, precision=precision, fuse=fuse)

    def run(self, inputs: Arrays) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        """One forward pass; see `Runner.run`."""
        outputs = self.program.predict(dict(inputs))
        return {name: np.asarray(value) for name, value in outputs.items()}
