"""The published schema of run.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sdqa.bundle import Bundle, Run
from sdqa.bundle.schema import json_schema, schema_text
from sdqa.errors import BundleError

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


def test_an_earlier_releases_run_follows_it(validator: jsonschema.Draft202012Validator) -> None:
    recorded = Path(__file__).parent / "recorded" / "run.json"
    validator.validate(strict(recorded.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("place", "good", "bad"),
    [
        (("diagnosis", "ladder", 0, "rungs", 0, "psnr_db"), "Infinity", "lots"),
        (("diagnosis", "causes", 0, "stage"), "glue", "luck"),
        (("lanes", 0, "packages", 0, "facts", "average_bits"), "NaN", "sixteen"),
        (("lanes", 1, "packages", 0, "facts", "compute_plan_2"), {"untold": 1}, {"untold": "1 of 2"}),
        (("lanes", 1, "fingerprint", "mac"), "not described", 3),
        (("lanes", 0, "samples", 0, "facts", "latents"), None, {"sha256": "0"}),
        (("environment",), {"tiny/fp16": {"cores": 2}}, {"cores": "two"}),
        (("cases", "text-landscape", "steps"), 20, "20 or so"),
    ],
)
def test_reader_and_schema_agree_on_the_inner_records(
    tmp_path: Path, validator: jsonschema.Draft202012Validator, place: tuple[str | int, ...], good: object, bad: object
) -> None:
    data = strict((Path(__file__).parent / "recorded" / "run.json").read_text(encoding="utf-8"))
    target = data
    for part in place[:-1]:
        target = target[part]
    for value, fits in ((good, True), (bad, False)):
        target[place[-1]] = value
        (tmp_path / "run.json").write_text(json.dumps(data), encoding="utf-8")
        assert validator.is_valid(data) is fits
        if fits:
            assert Bundle(tmp_path).read().to_json() == data
        else:
            with pytest.raises(BundleError, match="does not follow its schema"):
                Bundle(tmp_path).read()


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
