"""Quantities with units in configuration files: `"2 GB"`, `"40 s"`, `"250 ms"`."""

from __future__ import annotations

import math
import re

BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
SECONDS = {"MS": 1e-3, "S": 1.0, "MIN": 60.0}
_QUANTITY = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)\s*")


def _parse(text: str, units: dict[str, int] | dict[str, float], example: str) -> float:
    match = _QUANTITY.fullmatch(text)
    if not match or match[2].upper() not in units:
        names = ", ".join(units)
        raise ValueError(f"{text!r} is not a quantity such as {example!r} (units: {names})")
    value = float(match[1]) * units[match[2].upper()]
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]}… is more than a number can hold")
    return value


def parse_bytes(value: object) -> object:
    """`"2 GB"` → 2000000000; numbers pass through.

    Raises:
        ValueError: the text is not a number with a unit of memory.
    """
    return int(_parse(value, BYTES, "2 GB")) if isinstance(value, str) else value


def parse_seconds(value: object) -> object:
    """`"40 s"` → 40.0; numbers pass through.

    Raises:
        ValueError: the text is not a number with a unit of time.
    """
    return _parse(value, SECONDS, "40 s") if isinstance(value, str) else value


def parse_age(value: str) -> float:
    """`"30d"`, `"12 h"` → seconds.

    Raises:
        ValueError: the text is not a number with a unit of time.
    """
    return _parse(value, {**SECONDS, "H": 3600.0, "D": 86400.0}, "30d")


def show_bytes(count: float) -> str:
    """`1530000` → `"1.5 MB"`."""
    for unit in ("B", "KB", "MB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} GB"


def show_seconds(seconds: float) -> str:
    """`0.0123` → `"12 ms"`, `75` → `"1 min 15 s"`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def show_about(seconds: float) -> str:
    """An estimate, no more exact than it is: `7` → `"10 s"`, `400` → `"7 min"`, `8000` → `"2.2 h"`."""
    if seconds < 90:
        return f"{max(10, round(seconds, -1)):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
