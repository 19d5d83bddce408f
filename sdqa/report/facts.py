"""Settings and facts of a record as pairs of name and text, what this version of sdqa does not know included."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from sdqa.bundle import Record
from sdqa.bundle.record import LeftOut

FactRows = tuple[tuple[str, str], ...]


def facts_of(record: Record, exclude: LeftOut | None = None) -> FactRows:
    """What a record says, without what is empty; inner records become `outer.inner`."""
    return _pairs(record.to_json(exclude))


def _pairs(data: Mapping[str, JsonValue]) -> FactRows:
    items: list[tuple[str, str]] = []
    for name, value in data.items():
        if isinstance(value, dict):
            items += [(f"{name}.{inner}", shown) for inner, shown in _pairs(value)]
        elif isinstance(value, list):
            if value:
                items.append((name, ", ".join(str(part) for part in value)))
        elif value is not None and value != "":
            items.append((name, str(value)))
    return tuple(items)
