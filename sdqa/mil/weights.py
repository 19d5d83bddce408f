"""Operands from constants: unpacked and widened on first use, kept within a memory limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from sdqa.mil.arguments import as_tensor
from sdqa.mil.constants import Constant, Literal

SMALL_ELEMENTS = 64
"""Up to here, integers and flags stay numpy arrays: they are axes, strides and masks, read value by value."""
SMALL_BYTES = 4096
"""Constants up to this size are kept whatever the limit."""
DEFAULT_LIMIT = 1 << 31


class Weights:
    """The constants of a program as operations take them.

    Weights that fit the limit are kept; once it is reached, further ones are made for each use and dropped after it. (A
    program uses every weight once in each run, so that replacing the least recently used would never hit.) Views of the
    mapped file, which is what fp32 weights are, cost nothing and are always kept.

    Args:
        precision: "declared", "float32" or "native".
        limit: how many bytes of unpacked or widened weights to keep.
    """

    def __init__(self, precision: str, limit: int | None = None) -> None:
        self.precision = precision
        self.limit = DEFAULT_LIMIT if limit is None else limit
        self.kept_bytes = 0
        self._kept: dict[Constant, Any] = {}
        self._packed: dict[Constant, Any] = {}

    def operand(self, constant: Constant) -> Any:
        """A constant in the form operations are given it."""
        kept = self._kept.get(constant)
        if kept is not None:
            return kept
        values = constant.read()
        made = self.form(values)
        size = _own_bytes(made, values)
        if size > SMALL_BYTES:
            if self.kept_bytes + size > self.limit:
                return made
            self.kept_bytes += size
        self._kept[constant] = made
        return made

    def packed(self, constant: Constant, pack: Callable[[torch.Tensor], Any]) -> Any | None:
        """A weight in the processor's own layout, made once; None when it does not fit the limit.

        The plain form is not kept beside it, and the mapped pages it came from are given back.
        """
        kept = self._packed.get(constant)
        if kept is not None:
            return kept
        size = (constant.type.elements or 0) * 4
        if self.kept_bytes + size > self.limit or constant in self._kept:
            return None
        made = pack(self.form(constant.read()).float().contiguous())
        constant.forget()
        self.kept_bytes += size
        self._packed[constant] = made
        return made

    def form(self, values: Literal) -> Any:
        """Values as operations are given them: see `sdqa.mil.registry`."""
        if not isinstance(values, np.ndarray):
            return values
        if values.dtype.kind in "iub" and values.size <= SMALL_ELEMENTS:
            return values
        tensor = as_tensor(values)
        if tensor.dtype == torch.float16 and self.precision != "native":
            return tensor.float()
        return tensor


def _own_bytes(made: Any, values: Literal) -> int:
    """What keeping an operand costs beyond the mapped file."""
    if not isinstance(made, torch.Tensor):
        return 0
    if isinstance(values, np.memmap) and made.data_ptr() == values.ctypes.data:
        return 0
    return made.numel() * made.element_size()
