"""A program's states: values that live from one prediction to the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch

from sdqa.errors import InputError, PackageError
from sdqa.mil.capacity import refuse_beyond
from sdqa.mil.containers import StateCell
from sdqa.mil.features import Feature
from sdqa.mil.interface import to_array
from sdqa.mil.types import ValueType

Array: TypeAlias = "np.ndarray[Any, Any]"


class State:
    """The values of a program's states, changed by predictions that are given it."""

    def __init__(self, features: Sequence[Feature], precision: str) -> None:
        try:
            refuse_beyond(sum(math.prod(feature.shape) for feature in features))
        except ValueError as error:
            raise PackageError(f"the states cannot be made: {error}") from error
        self._dtypes = {feature.name: feature.dtype for feature in features}
        self._cells = {
            feature.name: StateCell(
                torch.zeros(feature.shape, dtype=carrier(ValueType("state", feature.dtype), precision))
            )
            for feature in features
        }

    @property
    def names(self) -> tuple[str, ...]:
        """The states' names."""
        return tuple(self._cells)

    def read(self, name: str) -> Array:
        """A state's value as float32 or int32.

        Raises:
            InputError: if there is no such state.
        """
        return to_array(self._cell(name).value)

    def write(self, name: str, value: Array) -> None:
        """Replace a state's value.

        Raises:
            InputError: if there is no such state, or the shape differs.
        """
        cell = self._cell(name)
        if tuple(value.shape) != tuple(cell.value.shape):
            raise InputError(
                f"the state {name!r} has the shape {list(cell.value.shape)}", hint=f"given is {list(value.shape)}"
            )
        given = torch.from_numpy(np.array(value))
        if self._dtypes[name] == "fp16":
            given = given.half()
        cell.value = given.to(cell.value.dtype)

    def cells(self) -> dict[str, StateCell]:
        """The memory behind the states, for the executor."""
        return self._cells

    def _cell(self, name: str) -> StateCell:
        if name not in self._cells:
            raise InputError(f"there is no state {name!r}", hint=f"the states are {sorted(self._cells)}")
        return self._cells[name]


def carrier(value_type: ValueType, precision: str) -> torch.dtype:
    """The torch dtype that carries a tensor of the given type."""
    if value_type.dtype == "fp16" and precision == "native":
        return torch.float16
    dtype = value_type.element.carrier
    if dtype is None:
        raise PackageError(f"a value of type {value_type} holds text")
    return dtype
