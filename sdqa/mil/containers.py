"""What MIL holds besides tensors: the memory behind a state, and lists."""

from __future__ import annotations

from dataclasses import dataclass

import torch

MAX_LIST_LENGTH = 1_000_000


@dataclass
class StateCell:
    """The memory behind one state of a program; written whole, so that values read before stay what they were.

    Only an update that nobody could tell from that works in the memory itself: see `sdqa.mil.overwriting`.
    """

    value: torch.Tensor


@dataclass(frozen=True)
class TensorList:
    """A MIL list: tensors of one shape; writing gives a new list."""

    items: tuple[torch.Tensor | None, ...]
    dynamic: bool
    empty: torch.Tensor
    """What an element that was never written reads as: zeros."""

    def read(self, index: int) -> torch.Tensor:
        """One element; negative indices count from the end.

        Raises:
            IndexError: if there is no such element.
        """
        item = self.items[self._position(index)]
        return self.empty if item is None else item

    def write(self, index: int, value: torch.Tensor) -> TensorList:
        """A list with one element replaced; a dynamic list grows as needed."""
        items = list(self.items)
        if self.dynamic and index >= len(items):
            if index >= MAX_LIST_LENGTH:
                raise ValueError(f"a list would grow to {index + 1} elements")
            items += [None] * (index + 1 - len(items))
        items[TensorList(tuple(items), self.dynamic, self.empty)._position(index)] = value
        return TensorList(tuple(items), self.dynamic, torch.zeros_like(value) if self.empty.dim() == 0 else self.empty)

    def _position(self, index: int) -> int:
        position = index + len(self.items) if index < 0 else index
        if not 0 <= position < len(self.items):
            raise IndexError(f"index {index} in a list of {len(self.items)}")
        return position


def shares_memory(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors of one shape are the same elements of the same memory."""
    return (
        one.data_ptr() == other.data_ptr()
        and one.shape == other.shape
        and one.stride() == other.stride()
        and one.dtype == other.dtype
    )
