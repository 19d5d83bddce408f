"""The published JSON Schema of run.json; `python -m sdqa.bundle.schema docs/run.schema.json` writes it down."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pydantic import JsonValue
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from sdqa.bundle.records import SCHEMA_VERSION, Run

SCHEMA_ID = f"urn:sdqa:run:{SCHEMA_VERSION}"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
NON_FINITE = ("NaN", "Infinity", "-Infinity")


class _RunSchema(GenerateJsonSchema):
    """JSON has no NaN and no infinities: run.json writes them as strings, and the schema must say so."""

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return {"anyOf": [super().float_schema(schema), {"enum": list(NON_FINITE)}]}

    def ser_schema(
        self, schema: core_schema.SerSchema | core_schema.IncExSeqSerSchema | core_schema.IncExDictSerSchema
    ) -> JsonSchemaValue | None:
        """A sparse record is written by a function that only leaves fields out: its schema is that of its fields."""
        return None if schema["type"] == "function-wrap" else super().ser_schema(schema)

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """Open records of one place may fit each other's schema: any of them will do."""
        found = super().tagged_union_schema(schema)
        return {"anyOf" if key == "oneOf" else key: value for key, value in found.items()}


def json_schema() -> dict[str, JsonValue]:
    """The schema of run.json, JSON Schema 2020-12."""
    schema = Run.model_json_schema(mode="serialization", schema_generator=_RunSchema)
    # A file of an earlier release lacks fields that have a default: it is still valid.
    version = {**schema["properties"]["schema_version"], "const": SCHEMA_VERSION}
    properties = {**schema["properties"], "schema_version": version}
    return {"$schema": DIALECT, "$id": SCHEMA_ID, **schema, "title": "sdqa run.json", "properties": properties}


def schema_text() -> str:
    """The schema as it is written to disk."""
    return json.dumps(json_schema(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(schema_text(), encoding="utf-8")
