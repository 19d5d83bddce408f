"""What tells a weight from others whatever its layout."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def fingerprint(value: Array) -> bytes:
    """Equal for any layout of the same numbers, rounded to fp16."""
    with np.errstate(over="ignore"):
        rounded = np.sort(np.asarray(value).astype(np.float16), axis=None)
    return hashlib.sha256((rounded + np.float16(0)).tobytes()).digest()


def told_apart(parameters: Mapping[str, Array]) -> dict[bytes, str]:
    """Names by fingerprint, of the parameters that no other has the values of: ones and zeros say nothing."""
    found: dict[bytes, str] = {}
    several: set[bytes] = set()
    for name, value in parameters.items():
        print_ = fingerprint(value)
        if print_ in found:
            several.add(print_)
        found[print_] = name
    return {print_: name for print_, name in found.items() if print_ not in several}
