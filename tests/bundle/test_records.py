"""A recorded run is read as it was written, and its identity is that of its figures alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sdqa.bundle import Bundle, Environment, Run
from sdqa.bundle.fingerprint import Mac
from sdqa.errors import BundleError

RECORDED = Path(__file__).parent / "recorded"
"""A run as release 0.1.0 wrote it, shortened: a planted fault, its diagnosis, and a skipped lane.

Its two lanes of Core ML are made up, in the shape in which that release wrote them.
"""
IDENTITY = "6e152d70002c0e6d29bb12c07ba912a23aee207f35d2e8b9a7af1adc7e013c11"
"""As that release computed it."""


def document() -> dict[str, Any]:
    data: dict[str, Any] = json.loads((RECORDED / "run.json").read_text(encoding="utf-8"))
    return data


def written(folder: Path, data: dict[str, Any]) -> Bundle:
    (folder / "run.json").write_text(json.dumps(data), encoding="utf-8")
    return Bundle(folder)


@pytest.fixture
def recorded() -> Run:
    return Bundle(RECORDED).read()


def test_an_earlier_releases_document_is_written_again_as_it_was(recorded: Run, tmp_path: Path) -> None:
    assert recorded.to_json() == document()
    Bundle(tmp_path).write(recorded)
    assert json.loads((tmp_path / "run.json").read_bytes()) == document()
    assert recorded.identity() == IDENTITY


def test_it_is_read_as_what_it_is(recorded: Run) -> None:
    reference, virtual, blind, skipped = recorded.lanes
    assert recorded.diagnosis is not None
    assert recorded.diagnosis.causes[0].component == "unet"
    assert recorded.sensitivity is not None
    assert recorded.sensitivity.trials[0].visible
    assert reference.fingerprint.mac is None
    assert isinstance(virtual.fingerprint.mac, Mac)
    assert virtual.fingerprint.mac.virtual
    assert isinstance(blind.fingerprint.mac, str)
    assert skipped.fingerprint.to_json() == {}
    assert [plan.untold for plan in virtual.packages[0].facts.compute_plans] == [1, 2]
    assert isinstance(recorded.environment, Environment)
    assert recorded.machines == {"": recorded.environment}


def test_a_diagnosis_that_could_not_be_made_is_read_as_it_used_to_be_written(tmp_path: Path) -> None:
    none = {"lane": "tiny/fp16", "verdict": "not diagnosed: there is no golden"}
    found = written(tmp_path, {**document(), "diagnosis": none}).read().diagnosis
    assert found is not None
    assert not found.made
    assert found.to_json().items() >= none.items()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("diagnosis", "seconds"), {"swap": 3.5}),
        (("lanes", 0, "packages", 0, "facts", "conversion_seconds"), 99.0),
        (("lanes", 0, "packages", 0, "facts", "conversion_peak_bytes"), 1),
        (("lanes", 0, "samples", 0, "seconds"), 99.0),
        (("environment", "cores"), 64),
        (("created",), "later"),
    ],
)
def test_times_and_machines_are_no_part_of_the_identity(
    tmp_path: Path, path: tuple[str | int, ...], value: object
) -> None:
    assert written(tmp_path, changed(document(), path, value)).read().identity() == IDENTITY


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("diagnosis", "verdict"), "Cause: vae_decoder"),
        (("lanes", 0, "packages", 0, "facts", "average_bits"), 8.0),
        (("lanes", 0, "fingerprint", "metrics"), "00" * 32),
        (("lanes", 1, "packages", 0, "facts", "compute_plan_2", "untold"), 7),
        (("cases", "text-landscape", "seed"), 7),
        (("lanes", 0, "samples", 0, "facts", "said by a later version"), 1),
    ],
)
def test_everything_else_is(tmp_path: Path, path: tuple[str | int, ...], value: object) -> None:
    assert written(tmp_path, changed(document(), path, value)).read().identity() != IDENTITY


OPEN = ("diagnosis", "sensitivity", "environment", "lanes/0/fingerprint", "lanes/1/fingerprint/mac",
        "lanes/0/packages/0/facts", "lanes/0/packages/0/facts/cost", "lanes/0/samples/0/facts",
        "cases/text-landscape", "diagnosis/causes/0", "sensitivity/trials/0")  # fmt: skip
CLOSED = ("", "lanes/0", "lanes/0/packages/0", "lanes/0/samples/0", "lanes/0/measurements/0", "lanes/0/verdicts/0")


def place(text: str) -> tuple[str | int, ...]:
    return tuple(int(part) if part.isdigit() else part for part in text.split("/") if part)


@pytest.mark.parametrize("where", OPEN)
def test_facts_that_a_later_version_adds_are_kept(tmp_path: Path, where: str) -> None:
    later = changed(document(), (*place(where), "later"), {"a": [1, "NaN"]})
    assert written(tmp_path, later).read().to_json() == later


@pytest.mark.parametrize("where", CLOSED)
def test_fields_that_a_later_version_adds_are_refused_by_name(tmp_path: Path, where: str) -> None:
    later = changed(document(), (*place(where), "later"), 1)
    with pytest.raises(BundleError, match=r"does not follow its schema: \$\..*later: Extra inputs") as caught:
        written(tmp_path, later).read()
    assert caught.value.hint


def changed(data: Any, path: tuple[str | int, ...], value: object) -> Any:
    """The document with another value in one place."""
    target = data
    for part in path[:-1]:
        target = target[part]
    target[path[-1]] = value
    return data
