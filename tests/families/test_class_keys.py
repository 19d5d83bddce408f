"""The table of keys is what the installed libraries' classes take."""

from __future__ import annotations

import importlib.metadata

import pytest

from sdqa.families import FAMILIES, class_keys
from tests.families.class_keys import NAMES, SILENT, activations, taken


@pytest.mark.parametrize("name", NAMES)
def test_no_key_of_a_class_is_foreign(name: str) -> None:
    table = getattr(class_keys, NAMES[name])
    for key, default in taken()[name].items():
        assert key in table, f"{name} takes {key}: python -m tests.families.class_keys"
        if key not in SILENT:
            assert table[key] == (list(default) if isinstance(default, tuple) else default), key


def test_no_activation_is_foreign() -> None:
    diffusers, transformers = activations()
    assert set(diffusers) <= set(class_keys.DIFFUSERS_ACTIVATIONS)
    assert set(transformers) <= set(class_keys.TRANSFORMERS_ACTIVATIONS)


@pytest.mark.skipif(importlib.metadata.version("diffusers") < "0.42", reason="not run: the table is a newer library's")
@pytest.mark.parametrize("name", NAMES)
def test_no_key_is_invented(name: str) -> None:
    assert set(getattr(class_keys, NAMES[name])) == set(taken()[name])


def test_every_part_with_weights_knows_its_keys() -> None:
    assert all(part.keys for family in FAMILIES.values() for part in family.weighted_parts)
