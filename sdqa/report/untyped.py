"""Reading untyped JSON of a bundle: what is of the wrong kind is left out, never an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdqa.report.format import number_of

Untyped = Mapping[str, Any]


def text_at(data: Untyped, key: str) -> str:
    """A text; empty where there is none."""
    value = data.get(key)
    return value if isinstance(value, str) else ""


def texts_at(data: Untyped, key: str) -> tuple[str, ...]:
    """One text or several."""
    value = data.get(key)
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(part for part in value if isinstance(part, str)) if isinstance(value, list | tuple) else ()


def number_at(data: Untyped, key: str) -> float | None:
    """A number, which may be not finite; None where there is none."""
    return number_of(data.get(key))


def record_at(data: Untyped, key: str) -> Untyped:
    """A dictionary; empty where there is none."""
    value = data.get(key)
    return value if isinstance(value, Mapping) else {}


def records_at(data: Untyped, key: str) -> list[Untyped]:
    """A list's dictionaries."""
    value = data.get(key)
    return [record for record in value if isinstance(record, Mapping)] if isinstance(value, list | tuple) else []
