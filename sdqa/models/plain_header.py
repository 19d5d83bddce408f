"""The header of a safetensors file that keeps every rule of the format, read without the library and its numpy."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

from sdqa.models.json_file import once

BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
"""Of a value, by its type."""
MAX_HEADER_BYTES = 100_000_000
"""What the format allows of a header."""


def plain_header(path: Path) -> dict[str, tuple[tuple[int, ...], str]] | None:
    """Shape and type of each tensor, by name; None of a file that may not keep the format, of which the library judges.

    The rules: a header of at most 100 MB, an object; each tensor's bytes are what its type and shape ask for, one lies
    behind the other from the first byte to the last, and each name is there once. The library would import numpy.
    """
    try:
        with path.open("rb") as file:
            whole = os.fstat(file.fileno()).st_size
            length = int.from_bytes(file.read(8), "little")
            text = file.read(length) if length <= min(MAX_HEADER_BYTES, whole) else b""
        if len(text) != length or not text.startswith(b"{"):
            return None
        said = json.loads(text.decode(), object_pairs_hook=once)
        metadata = said.pop("__metadata__", {})
        if not isinstance(metadata, dict) or not all(isinstance(one, str) for one in metadata.values()):
            return None
        end, found = 0, {}
        for name, one in sorted(said.items(), key=lambda item: item[1]["data_offsets"]):
            shape, dtype, (begin, after) = one["shape"], one["dtype"], one["data_offsets"]
            whole_numbers = all(type(number) is int and number >= 0 for number in (*shape, begin, after))
            if len(one) != 3 or not whole_numbers or begin != end or after - begin != math.prod(shape) * BYTES[dtype]:
                return None
            found[name], end = (tuple(shape), str(dtype)), after
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return {name: found[name] for name in sorted(found)} if end == whole - 8 - length else None
