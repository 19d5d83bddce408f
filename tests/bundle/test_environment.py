"""A machine tells what it is; what it did not tell is not written."""

from __future__ import annotations

import importlib.metadata

from sdqa.bundle import Environment
from sdqa.bundle.environment import environment, versions


def test_this_machine_tells_everything() -> None:
    found = environment()
    assert set(found.to_json()) | {"plugins"} == set(Environment.model_fields)  # of which there need be none
    assert found.cores
    assert found.processor
    assert found.versions == versions()


def test_versions_are_those_that_are_installed() -> None:
    assert versions()["numpy"] == importlib.metadata.version("numpy")


def test_what_was_not_told_is_not_written() -> None:
    assert Environment().to_json() == {}
    assert Environment(system="Linux").to_json() == {"system": "Linux"}
    told = {"system": "Linux", "accelerator": {"name": "x", "gib": 80.5}}
    assert Environment.model_validate(told).to_json() == told
