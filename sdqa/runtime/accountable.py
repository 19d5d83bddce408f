"""Whose package it is that cannot be loaded or run: an error there is the gate's to fail, and names the component."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from sdqa.errors import ContractError, ExecutionError, PackageError
from sdqa.runtime.protocol import Arrays, Runner


@contextmanager
def accountable(component: str) -> Iterator[None]:
    """Put a component's name on what its package cannot do.

    Raises:
        PackageError, ContractError, ExecutionError: as raised inside, blamed on the component.
    """
    try:
        yield
    except (PackageError, ContractError, ExecutionError) as error:
        error.blame(component)
        raise


class AccountableRunner:
    """A package's runner whose errors name the component."""

    def __init__(self, runner: Runner) -> None:
        self.component = runner.component
        self._runner = runner

    def run(self, inputs: Arrays) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        """One forward pass; see `Runner.run`."""
        with accountable(self.component):
            return self._runner.run(inputs)
