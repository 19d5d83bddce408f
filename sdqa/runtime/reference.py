"""Runs a component's .mlpackage, or its two chunks, with the reference runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sdqa import mil
from sdqa.errors import InputError
from sdqa.runtime.protocol import Arrays


class ReferenceRunner:
    """A component's packages, loaded once; see `sdqa.mil.load` for `precision` and `fuse`.

    Several packages are chunks in execution order: each gets the inputs and what those before it gave, by name.
    """

    def __init__(self, component: str, *packages: Path, precision: str = "declared", fuse: bool = True) -> None:
        self.component = component
        self.packages = packages
        self.programs = tuple(mil.load(package, precision=precision, fuse=fuse) for package in packages)

    def run(self, inputs: Arrays) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        """One forward pass; see `Runner.run`."""
        if len(self.programs) == 1:
            return {name: np.asarray(value) for name, value in self.programs[0].predict(dict(inputs)).items()}
        known: dict[str, Any] = dict(inputs)
        outputs: dict[str, Any] = {}
        for program in self.programs:
            missing = [feature.name for feature in program.inputs if feature.name not in known]
            if missing:
                raise InputError(f"missing inputs: {', '.join(missing)}", where=self.component)
            outputs = program.predict({feature.name: known[feature.name] for feature in program.inputs})
            known.update(outputs)
        return {name: np.asarray(value) for name, value in outputs.items()}
