"""What a package's description says of its program is held against the program."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import coremltools as ct
import pytest
from click.testing import CliRunner
from coremltools.converters.mil import Builder as mb

from sdqa.mil import registry
from sdqa.mil.cli import mil_group
from sdqa.mil.description import contradictions
from sdqa.mil.functions import choose, functions_of
from sdqa.mil.package import open_package
from tests.mil.conftest import Convert
from tests.mil.packages import edit

FLOAT16, INT32 = 65552, 131104


def found(package: Path) -> tuple[str, ...]:
    opened = open_package(package)
    return contradictions(opened, choose(opened, functions_of(opened, registry.is_named)))


def output(model: Any) -> Any:
    return model.description.output[0]


def array(feature: Any) -> Any:
    return feature.type.multiArrayType


def rename(model: Any) -> None:
    model.description.input[0].name = "foo"


def change_all(model: Any) -> None:
    array(model.description.input[0]).dataType = INT32
    output(model).name = "other"
    model.specificationVersion = 6


def enumerate_shapes(model: Any) -> None:
    one = array(model.description.input[0])
    for size in (one.shape[-1], one.shape[-1] + 1):
        one.enumeratedShapes.shapes.add().shape.extend([*one.shape[:-1], size])


def open_range(model: Any) -> None:
    one = array(model.description.input[0])
    for size in one.shape:
        one.shapeRange.sizeRanges.add(lowerBound=1, upperBound=-1 if size > 1 else 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (rename, ("names the input 'foo', its program takes", "does not name")),
        (lambda model: model.description.output.add().CopyFrom(output(model)), (" 2 times",)),
        (lambda model: model.description.ClearField("output"), ("which its description does not name",)),
        (lambda model: setattr(array(output(model)), "dataType", FLOAT16), ("as fp16, its program as fp32",)),
        (lambda model: array(model.description.input[0]).shape.append(1), ("its description has the input",)),
        (lambda model: array(model.description.input[0]).shape.__setitem__(0, 9), ("its description has the input",)),
        (lambda model: array(output(model)).shape.extend([7]), ("its description has the output",)),
        (enumerate_shapes, ("its description has the input",)),
        (open_range, ("its description has the input",)),
        (lambda model: model.description.functions.add(name="style"), ("the functions style, its program has main",)),
        (lambda model: setattr(model, "specificationVersion", 7), ("its program's operations (CoreML7) need 8",)),
        (change_all, ("as int32, its program as fp32", "names the output 'other'", "which its", "need 8")),
    ],
)  # fmt: skip
def test_every_contradiction_is_a_sentence(
    network: Path, tmp_path: Path, change: Callable[[Any], Any], words: tuple[str, ...]
) -> None:
    assert found(network) == ()
    package = Path(shutil.copytree(network, tmp_path / "changed.mlpackage"))
    edit(package, change)
    sentences = found(package)
    assert len(sentences) >= len([word for word in words if word])
    for word in words:
        assert any(word in sentence for sentence in sentences), sentences


def test_what_a_converter_writes_is_no_contradiction(subjects: dict[str, Path], half_network: Path) -> None:
    for package in (*subjects.values(), half_network):
        assert found(package) == (), package.name


def test_states_and_functions_need_their_version(subjects: dict[str, Path], tmp_path: Path) -> None:
    stateful = next(path for name, path in subjects.items() if "state" in name)
    package = Path(shutil.copytree(stateful, tmp_path / "states.mlpackage"))

    def older(model: Any) -> None:
        model.specificationVersion = 8
        (function,) = model.mlProgram.functions.values()
        function.block_specializations["CoreML7"].CopyFrom(function.block_specializations[function.opset])
        function.opset = "CoreML7"

    edit(package, older)
    assert "its specification version is 8, states need 9" in found(package)
    edit(package, lambda model: setattr(model.description.state[0], "name", "memories"))
    assert any("names the state 'memories', its program keeps" in one for one in found(package))


def test_an_image_has_its_size(convert: Convert, tmp_path: Path) -> None:
    @mb.program(input_specs=[mb.TensorSpec((1, 3, 4, 4))], opset_version=ct.target.iOS17)
    def program(x: Any) -> Any:
        return mb.relu(x=x, name="y")

    picture = ct.ImageType(name="x", shape=(1, 3, 4, 4), color_layout=ct.colorlayout.RGB)
    package = Path(shutil.copytree(convert(program, "picture", inputs=[picture]), tmp_path / "picture.mlpackage"))
    assert found(package) == ()
    edit(package, lambda model: setattr(model.description.input[0].type.imageType, "width", 8))
    assert found(package) == (
        "its description has the input 'x' as an image of [1, 3, 4, 8], its program as [1, 3, 4, 4]",
    )


def test_the_terminal_shows_them(network: Path, tmp_path: Path) -> None:
    package = Path(shutil.copytree(network, tmp_path / "changed.mlpackage"))
    edit(package, rename)
    shown = CliRunner().invoke(mil_group, ["info", str(package)]).output
    assert "contradiction: its description names the input 'foo', its program takes" in shown
    facts = json.loads(CliRunner().invoke(mil_group, ["info", str(package), "--json"]).output)
    assert facts["contradictions"] == list(found(package))
