"""Differences between programs: found, and not invented."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import coremltools as ct
import numpy as np
import pytest
from click.testing import CliRunner
from coremltools.converters.mil import Builder as mb

from sdqa import mil
from sdqa.mil.cli import mil_group
from sdqa.mil.compare import _distance, compare_programs, compare_values

from .conftest import Convert
from .packages import WEIGHTS, edit


def differences(a: Path, b: Path) -> list[tuple[str, str]]:
    return [(item.kind, item.operation) for item in compare_programs(mil.load(a), mil.load(b))]


def test_a_program_equals_itself(network: Path) -> None:
    assert differences(network, network) == []


def test_a_changed_weight_is_found_where_it_is_used(network: Path, damaged: Path) -> None:
    raw = np.frombuffer((damaged / WEIGHTS).read_bytes(), np.uint8).copy()
    raw[128:132] = np.frombuffer(np.float32(5).tobytes(), np.uint8)
    (damaged / WEIGHTS).write_bytes(raw.tobytes())
    assert differences(network, damaged) == [("constant", "first")]


def test_values_differ_from_the_changed_weight_on(network: Path, damaged: Path, image: Any) -> None:
    raw = np.frombuffer((damaged / WEIGHTS).read_bytes(), np.uint8).copy()
    raw[128:132] = np.frombuffer(np.float32(5).tobytes(), np.uint8)
    (damaged / WEIGHTS).write_bytes(raw.tobytes())
    sound, other = mil.load(network, fuse=False), mil.load(damaged, fuse=False)
    assert {item.largest for item in compare_values(sound, sound, {"x": image})} == {0.0}
    found = compare_values(sound, other, {"x": image})
    assert [item.type for item in found] == ["conv", "silu", "conv", "add", "reshape", "linear"]
    assert all(item.largest > 0.1 and item.psnr_db < 60 for item in found)


@pytest.mark.parametrize(("x", "y"), [([1.0, 2.0], [1.0, np.nan]), ([np.inf, 2.0], [1.0, 2.0]), ([np.inf], [-np.inf])])
def test_what_is_not_finite_never_passes_for_close(x: list[float], y: list[float]) -> None:
    largest, psnr = _distance(np.array(x), np.array(y))
    assert np.isnan(largest)
    assert psnr == -np.inf
    assert _distance(np.array(x), np.array(x)) == (0.0, np.inf)


def test_a_lost_operation_is_found(network: Path, damaged: Path) -> None:
    def bypass(model: Any) -> None:
        block = model.mlProgram.functions["main"].block_specializations["CoreML7"]
        for operation in block.operations:
            for argument in operation.inputs.values():
                for binding in argument.arguments:
                    if binding.name == "act":
                        binding.name = "first"
        index = next(i for i, operation in enumerate(block.operations) if operation.type == "silu")
        del block.operations[index]

    edit(damaged, bypass)
    assert differences(network, damaged) == [("only in A", "act")]
    assert differences(damaged, network) == [("only in B", "act")]


def test_a_renamed_operation_is_neither_lost_nor_new(network: Path, damaged: Path) -> None:
    def rename(model: Any) -> None:
        for operation in model.mlProgram.functions["main"].block_specializations["CoreML7"].operations:
            if operation.type == "silu":
                operation.attributes["name"].immediateValue.tensor.strings.values[0] = "activation"

    edit(damaged, rename)
    assert differences(network, damaged) == []


def test_another_precision_is_found_in_every_operation(network: Path, half_network: Path) -> None:
    kinds = {kind for kind, _ in differences(network, half_network)}
    assert {"dtype", "constant", "only in B"} <= kinds


@pytest.mark.parametrize("attribute", ["x"])
def test_a_changed_interface_is_found(network: Path, damaged: Path, attribute: str) -> None:
    def optional(model: Any) -> None:
        model.description.input[0].type.isOptional = True

    edit(damaged, optional)
    assert differences(network, damaged) == [("interface", attribute)]


@pytest.fixture(scope="module")
def wired(convert: Convert) -> dict[str, Path]:
    """Programs of the same operations by the same names: connected otherwise, and one without the last."""

    def build(first: str, second: str, *, longer: bool = False) -> Any:
        @mb.program(input_specs=[mb.TensorSpec(shape=(2, 3))], opset_version=ct.target.iOS17)
        def program(x: Any) -> Any:
            values = {"x": x, "a": mb.sin(x=x, name="a"), "b": mb.cos(x=x, name="b")}
            result = mb.sub(x=values[first], y=values[second], name="result")
            return mb.exp(x=result, name="more") if longer else result

        return program

    made = {"plain": build("a", "b"), "crossed": build("b", "a"), "longer": build("a", "b", longer=True)}
    return {name: convert(program, name) for name, program in made.items()}


def test_operations_that_are_connected_otherwise_differ(wired: dict[str, Path]) -> None:
    assert differences(wired["plain"], wired["plain"]) == []
    assert differences(wired["plain"], wired["crossed"]) == [("input", "result"), ("input", "result")]


def test_operations_of_one_program_alone_make_a_difference_with_inputs_too(wired: dict[str, Path]) -> None:
    for other, status in (("plain", 0), ("crossed", 1), ("longer", 1)):
        command = ["diff", str(wired["plain"]), str(wired[other]), "--random", "1"]
        result = CliRunner().invoke(mil_group, command, catch_exceptions=False)
        assert result.exit_code == status, result.output
    assert "not compared: only in B more: exp" in result.output
