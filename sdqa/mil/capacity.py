"""The largest value that this machine could hold. Reading a package asks for it too, without torch."""

from __future__ import annotations

import functools
from pathlib import Path

import psutil

BYTES_PER_ELEMENT = 4
_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")


@functools.cache
def largest_value_bytes() -> int:
    """Half of the memory that this process could have: an operation has operands besides its result."""
    total = int(psutil.virtual_memory().total)
    try:
        text = _CONTAINER_LIMIT.read_text().strip()
    except OSError:
        text = "max"
    if text.isdigit():
        total = min(total, int(text))
    return total // 2


def refuse_beyond(elements: float) -> None:
    """Refuse a value of that many elements if it cannot be held.

    Raises:
        ValueError: saying how large it would be.
    """
    needed, limit = elements * BYTES_PER_ELEMENT, largest_value_bytes()
    if not needed <= limit:
        raise ValueError(
            f"it would have {elements:.4g} elements, {needed / 2**30:.4g} GiB; here {limit / 2**30:.4g} GiB can be held"
        )
