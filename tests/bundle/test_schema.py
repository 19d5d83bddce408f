"""The published schema of run.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sdqa.bundle import Bundle, Run
from sdqa.bundle.schema import json_schema, schema_text

PUBLISHED = Path(__file__).parents[2] / "docs" / "run.schema.json"


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_published_schema_is_current() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text(), (
        "run: python -m sdqa.bundle.schema docs/run.schema.json"
    )


def strict(text: str) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_a_written_run_follows_it_and_is_strict_json(
    bundle: Bundle, validator: jsonschema.Draft202012Validator
) -> None:
    text = (bundle.folder / "run.json").read_text(encoding="utf-8")
    assert '"NaN"' in text
    validator.validate(strict(text))


def test_figures_that_are_not_finite_survive_writing(tmp_path: Path, run: Run) -> None:
    copy = Bundle(tmp_path)
    copy.write(run)
    assert copy.read().to_json() == run.to_json()
    assert copy.read().identity() == run.identity()


@pytest.mark.parametrize(
    "change",
    [{"schema_version": 2}, {"status": "fine"}, {"exit_code": "0"}, {"unknown": 1}, {"lanes": [{}]}, {"suite": None}],
)
def test_what_the_reader_refuses_the_schema_refuses(
    run: Run, validator: jsonschema.Draft202012Validator, change: dict[str, Any]
) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**run.to_json(), **change})
