"""Whether the values in files of weights are finite: read as they are stored, piece by piece, without torch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sdqa.models.finite import refuse_values
from sdqa.models.plain_header import BYTES
from sdqa.models.weights import FLOATS

if TYPE_CHECKING:
    from sdqa.models.opening import OpenedFolder

PIECE = 2**22
"""Bytes that are looked at at once."""
_LARGEST = {"F64": 0x47EFFFFFEFFFFFFF, "F32": 0x7F7FFFFF, "F16": 0x7BFF, "BF16": 0x7F7F}
"""The bits, but for the sign, of the largest number that is finite in fp32, where modules compute: as whole numbers
they are in the order of the values, with infinity and NaN above."""
_LENGTH = 8
"""Bytes of a safetensors file that say how long its header is."""


def demand_finite_files(opened: OpenedFolder) -> None:
    """Refuse NaN and infinity in the weights of any part; none is loaded.

    Raises:
        ModelError: with the first part's parameters and how many of their values.
    """
    for part in opened.family.weighted_parts:
        bad = [one for path in opened.weights[part.name].files for one in unsound(path)]
        refuse_values(part.name, bad, source=opened.source)


def unsound(path: Path) -> Iterator[tuple[str, int, int]]:
    """Tensors with values that are not finite: name, how many, of how many.

    Args:
        path: a safetensors file whose header was examined.
    """
    import numpy as np

    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH), "little")
        header = json.loads(file.read(length))
        for name, told in sorted(header.items()):
            if name == "__metadata__" or told["dtype"] not in FLOATS:
                continue
            width = BYTES[told["dtype"]]
            kind, largest = np.dtype(f"<u{width}"), _LARGEST[told["dtype"]]
            begin, end = told["data_offsets"]
            count = 0
            file.seek(_LENGTH + length + begin)
            for size in _pieces(end - begin):
                bits = np.frombuffer(file.read(size), kind) & kind.type(2 ** (8 * width - 1) - 1)
                if bits.max() > largest:
                    count += int((bits > largest).sum())
            if count:
                yield name, count, (end - begin) // width


def _pieces(size: int) -> Iterable[int]:
    return (min(PIECE, size - at) for at in range(0, size, PIECE))
