"""Harmless changes compute the same: exactly, or within rounding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sdqa import mil
from sdqa.errors import FaultError
from sdqa.faults.control_registry import negative_control
from sdqa.faults.controls import all_controls, find_control
from sdqa.faults.injection import COMPONENTS, Effect
from sdqa.store import tree_digest

EDITS = [change.name for change in all_controls() if change.at(0).edit_package is not None]

WITHOUT_OCCASION = {"saved-again", "subnormals-flushed", "weights-dense", "operands-exchanged"}
"""Changes that may find nothing to do in the miniature, or write what was there."""


def predict(package: Path) -> np.ndarray:
    inputs = {"x": np.linspace(-1, 1, 256, dtype=np.float32).reshape(1, 4, 8, 8)}
    return next(iter(mil.load(package).predict(inputs).values()))


def test_there_are_enough_and_each_says_what_it_is() -> None:
    changes = all_controls()
    assert len(changes) >= 20
    for change in changes:
        assert change.summary.endswith(".")


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_package_is_written_differently_and_computes_the_same(name: str, package: Path) -> None:
    before, digest = predict(package), tree_digest(package)
    edit = find_control(name).at(3).edit_package
    assert edit is not None
    edit(package)
    after = predict(package)
    assert np.abs(after - before).max() <= 0.01 * np.abs(before).max()
    assert (tree_digest(package) == digest) <= (name in WITHOUT_OCCASION), "it did nothing"


def test_seeds_go_around_the_components_and_repeat_themselves(package: Path, tmp_path: Path) -> None:
    import shutil

    change = find_control("last-digit")
    assert {change.at(seed).package_component for seed in range(4)} == set(COMPONENTS)
    digests = []
    for seed, folder in ((1, "a"), (1, "b"), (2, "c")):
        copied = Path(shutil.copytree(package, tmp_path / folder / package.name))
        edit = change.at(seed).edit_package
        assert edit is not None
        edit(copied)
        digests.append(tree_digest(copied))
    assert digests[0] == digests[1] != digests[2]


def test_unknown_and_duplicate_names_are_loud() -> None:
    with pytest.raises(FaultError, match="did you mean saved-again"):
        find_control("saved-agian")
    with pytest.raises(ValueError, match="registered twice"):
        negative_control("saved-again")
    with pytest.raises(ValueError, match="does not say"):
        negative_control("test-only")(lambda random: Effect())
