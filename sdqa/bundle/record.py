"""What all records are made of: frozen, typed, written as stable JSON that every parser reads."""

from __future__ import annotations

import json
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SerializerFunctionWrapHandler, model_serializer

T = TypeVar("T")

LeftOut = set[str] | dict[str, bool | set[str]]
"""Fields to leave out: names, or names with the inner names to leave out."""


def later(default: T) -> T:
    """A field that came with a later release: written only when it says something, so that older documents, and the
    digests of what they say, stay what they are."""
    field: T = Field(default=default, exclude_if=lambda value: value == default)
    return field


class Record(BaseModel):
    """Base of all records: frozen, no unknown fields, NaN and infinities kept as strings in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings", defer_build=True)

    def to_json(self, exclude: LeftOut | None = None) -> dict[str, JsonValue]:
        """Plain data that every JSON parser reads. (`model_dump(mode="json")` would keep bare NaN.)"""
        data: dict[str, JsonValue] = json.loads(self.model_dump_json(exclude=exclude))
        return data


class OpenRecord(Record):
    """A record in which another version may say more: fields that this one does not know are kept as they are."""

    model_config = ConfigDict(extra="allow")


class SparseRecord(OpenRecord):
    """An open record of which nothing is written that nobody said: what was read is written again, field by field."""

    @model_serializer(mode="wrap")
    def _said(self, handler: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        return {name: value for name, value in handler(self).items() if name in self.model_fields_set}
