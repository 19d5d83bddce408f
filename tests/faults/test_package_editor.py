"""The editor changes what it is told to, nothing else, and refuses what it does not understand."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from sdqa import mil
from sdqa.errors import FaultError, PackageError
from sdqa.faults.package_editor import PackageEditor
from sdqa.store import tree_digest


def predict(package: Path) -> np.ndarray:
    program = mil.load(package)
    inputs = {"x": np.linspace(-1, 1, 256, dtype=np.float32).reshape(1, 4, 8, 8)}
    return next(iter(program.predict(inputs).values()))


def test_weights_come_in_the_order_of_execution(package: Path) -> None:
    editor = PackageEditor(package)
    shapes = [editor.read(name).shape for name in editor.weights()]
    assert shapes == [(8, 4, 3, 3), (8, 8, 3, 3), (16, 8)]


def test_a_written_weight_is_read_back_and_no_other_changes(package: Path) -> None:
    before = PackageEditor(package)
    names = before.weights()
    with PackageEditor(package) as editor:
        wanted = np.full_like(editor.read(names[1]), 0.25)
        editor.write(names[1], wanted)
        np.testing.assert_array_equal(editor.read(names[1]), wanted)
    after = PackageEditor(package)
    np.testing.assert_array_equal(after.read(names[1]), wanted)
    for name in (names[0], names[2]):
        np.testing.assert_array_equal(after.read(name), before.read(name))


def test_the_changed_package_runs_and_gives_something_else(package: Path) -> None:
    before = predict(package)
    with PackageEditor(package) as editor:
        name = editor.weights()[0]
        editor.write(name, -editor.read(name))
    assert not np.allclose(predict(package), before)


def test_a_weight_can_be_written_twice(package: Path) -> None:
    with PackageEditor(package) as editor:
        name = editor.weights()[0]
        editor.write(name, np.zeros(editor.read(name).shape))
        editor.write(name, np.ones(editor.read(name).shape))
    assert PackageEditor(package).read(name).min() == 1


def test_saving_without_a_change_keeps_the_outcome(package: Path) -> None:
    before = predict(package)
    with PackageEditor(package):
        pass
    np.testing.assert_array_equal(predict(package), before)


def test_nothing_is_saved_when_the_block_fails(package: Path) -> None:
    before = tree_digest(package)
    editor = PackageEditor(package)
    name = editor.weights()[0]
    with pytest.raises(FaultError, match="has shape"), editor:
        editor.write(name, np.concatenate([-editor.read(name)] * 2))
    assert tree_digest(package) == before


def test_a_hard_linked_sibling_is_not_written_through(package: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked.mlpackage"
    shutil.copytree(package, linked, copy_function=os.link)
    before = tree_digest(package)
    with PackageEditor(linked) as editor:
        name = editor.weights()[0]
        editor.write(name, -editor.read(name))
    assert tree_digest(package) == before != tree_digest(linked)


def test_an_inserted_operation_runs(package: Path) -> None:
    before = predict(package)
    with PackageEditor(package) as editor:
        last = editor.operations("linear")[-1].inputs["x"].arguments[0].name
        editor.insert_after(last, "mul", y=0.0)
    after = predict(package)
    assert not np.allclose(before, after)
    assert np.ptp(after.reshape(-1, 16), axis=0).max() == 0, "a zero input leaves the bias alone"


def test_an_argument_of_one_operation_changes_for_it_alone(package: Path) -> None:
    with PackageEditor(package) as editor:
        editor.set_argument(editor.operations("layer_norm")[0], "epsilon", 0.5)
    editor = PackageEditor(package)
    name = editor.constant_of(editor.operations("layer_norm")[0], "epsilon")
    assert name is not None
    assert editor.read(name) == np.float16(0.5)
    assert editor.read(name).dtype == np.float16


def test_wrong_shapes_and_unknown_names_are_refused(package: Path) -> None:
    editor = PackageEditor(package)
    with pytest.raises(FaultError, match="has shape"):
        editor.write(editor.weights()[0], np.zeros(3))
    with pytest.raises(FaultError, match="no constant 'nobody'"):
        editor.read("nobody")
    with pytest.raises(FaultError, match="nothing uses"):
        editor.insert_after("nobody", "silu")


@pytest.mark.parametrize("damage", ["truncated weights", "truncated program", "no manifest", "link outside"])
def test_malformed_packages_are_refused(package: Path, tmp_path: Path, damage: str) -> None:
    weights = next(package.rglob("weight.bin"))
    program = next(package.rglob("*.mlmodel"))
    match damage:
        case "truncated weights":
            weights.write_bytes(weights.read_bytes()[:100])
        case "truncated program":
            program.write_bytes(program.read_bytes()[:-40])
        case "no manifest":
            shutil.rmtree(package / "Data")
        case "link outside":
            outside = tmp_path / "outside.bin"
            shutil.move(weights, outside)
            weights.symlink_to(outside)
    with pytest.raises(PackageError):
        PackageEditor(package)
