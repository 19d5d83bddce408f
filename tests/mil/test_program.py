"""Predicting with whole programs: precisions, captured values, single operations, wrong inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import types

from sdqa import mil
from sdqa.errors import ExecutionError, InputError, UsageError

from .conftest import Convert


def reference(program: mil.Program, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The small network, written in torch."""
    weights = {
        name: torch.from_numpy(program.weight(name).astype(np.float32))
        for name in program.weight_names
        if "weight" in name
    }
    first, second, dense = (
        next(v for k, v in weights.items() if k.startswith(n)) for n in ("first", "second", "dense")
    )
    b = F.silu(F.conv2d(torch.from_numpy(x), first, padding=1))
    return F.linear((F.conv2d(b, second, padding=1) + b).reshape(1, -1), dense).numpy()


@pytest.mark.parametrize("fuse", [True, False])
def test_predictions_are_those_of_torch(network: Path, image: Any, fuse: bool) -> None:
    program = mil.load(network, fuse=fuse)
    (result,) = program.predict({"x": image}).values()
    np.testing.assert_allclose(result, reference(program, image), rtol=1e-5, atol=1e-5)


def test_declared_precision_rounds_every_computed_result_once(half_network: Path, image: Any) -> None:
    program = mil.load(half_network, fuse=False)
    _, seen = program.predict({"x": image}, capture="all")
    for record in program.operations:
        for name in record.outputs:
            if record.dtype == "fp16":
                np.testing.assert_array_equal(
                    seen[name], seen[name].astype(np.float16).astype(np.float32), err_msg=name
                )
    given = {name: seen[name] for record in program.operations for name in record.outputs}
    conv = next(record for record in program.operations if record.type == "conv" and "second" in record.name)
    weight = program.weight(conv.constants["weight"].name).astype(np.float32)
    (x,) = conv.inputs["x"]
    exact = F.conv2d(torch.from_numpy(seen[x]), torch.from_numpy(weight), padding=1).numpy()
    np.testing.assert_array_equal(given[conv.outputs[0]], exact.astype(np.float16).astype(np.float32))


def test_float32_precision_ignores_fp16(half_network: Path, image: Any) -> None:
    program = mil.load(half_network, precision="float32")
    (result,) = program.predict({"x": image}).values()
    np.testing.assert_allclose(result, reference(program, image), rtol=1e-5, atol=1e-5)
    (declared,) = mil.load(half_network).predict({"x": image}).values()
    assert np.abs(declared - result).max() > 1e-5


def test_native_precision_computes_in_half(half_network: Path, image: Any) -> None:
    (native,) = mil.load(half_network, precision="native").predict({"x": image}).values()
    (declared,) = mil.load(half_network).predict({"x": image}).values()
    np.testing.assert_allclose(native, declared, rtol=2e-2, atol=2e-2)


def test_predicting_twice_gives_the_same_bits_and_leaves_the_input_alone(half_network: Path, image: Any) -> None:
    program, given = mil.load(half_network), image.copy()
    (first,), (second,) = program.predict({"x": given}).values(), program.predict({"x": given}).values()
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(given, image)


def test_a_memory_limit_changes_no_bit(half_network: Path, image: Any) -> None:
    (kept,) = mil.load(half_network).predict({"x": image}).values()
    frugal = mil.load(half_network, memory_limit=0)
    (made,) = frugal.predict({"x": image}).values()
    np.testing.assert_array_equal(kept, made)
    assert frugal.weights.kept_bytes == 0


def test_capture_by_name_gives_that_result_only(network: Path, image: Any) -> None:
    outputs, seen = mil.load(network).predict({"x": image}, capture=["act"])
    assert list(seen) == ["act"]
    assert seen["act"].shape == (1, 8, 6, 6)
    assert len(outputs) == 1


def test_capture_by_function_sees_every_operation_in_order(network: Path, image: Any) -> None:
    visited: list[str] = []
    program = mil.load(network)
    program.predict({"x": image}, capture=lambda operation, name, tensor: visited.append(operation.type))
    assert visited == [record.type for record in program.operations]


def test_capturing_what_is_not_there(network: Path, image: Any) -> None:
    with pytest.raises(UsageError, match="no operation 'nothing'"):
        mil.load(network).predict({"x": image}, capture=["nothing"])


def test_captured_values_reproduce_each_operation_alone(network: Path, image: Any) -> None:
    program = mil.load(network, fuse=False)
    _, seen = program.predict({"x": image}, capture="all")
    for record in program.operations:
        alone = program.run_operation(record.name, {"x": image, **seen})
        for name in record.outputs:
            np.testing.assert_array_equal(alone[name], seen[name], err_msg=name)


def test_one_operation_with_inputs_by_argument(network: Path) -> None:
    given = np.linspace(-3, 3, 288, dtype=np.float32).reshape(1, 8, 6, 6)
    alone = mil.load(network).run_operation("act", {"x": given})
    np.testing.assert_allclose(alone["act"], given / (1 + np.exp(-given)), rtol=1e-6)


def test_one_operation_needs_its_inputs(network: Path) -> None:
    program = mil.load(network)
    with pytest.raises(InputError, match="is missing"):
        program.run_operation("residual", {})
    with pytest.raises(InputError, match="shape"):
        program.run_operation("act", {"x": np.zeros((2, 2), np.float32)})
    with pytest.raises(UsageError, match="no operation"):
        program.run_operation("nothing", {})


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({}, "'x' is missing"),
        ({"x": np.zeros((1, 3, 6, 6)), "y": np.zeros(1)}, "no input 'y'"),
        ({"x": np.zeros((1, 3, 6, 7))}, r"shape \[1, 3, 6, 7\]"),
        ({"x": np.zeros((3, 6, 6))}, "expected is"),
        ({"x": "text"}, "no array of numbers"),
        ({"x": [[1], [2, 3]]}, "no array of numbers"),
        ({"x": np.full((1, 3, 6, 6), None)}, "no array of numbers"),
    ],
)
def test_wrong_inputs(network: Path, inputs: dict[str, Any], expected: str) -> None:
    with pytest.raises(InputError, match=expected) as caught:
        mil.load(network).predict(inputs)
    assert "network.mlpackage: function 'main'" in str(caught.value)


def test_fractions_do_not_fit_an_integer_input(convert: Convert) -> None:
    @mb.program(input_specs=[mb.TensorSpec(shape=(3,), dtype=types.int32)])
    def program(x: Any) -> Any:
        return mb.add(x=x, y=1, name="y")

    loaded = mil.load(convert(program, "integers"))
    result = loaded.predict({"x": np.array([1.0, 2.0, 3.0])})["y"]
    assert result.dtype == np.int32
    assert result.tolist() == [2, 3, 4]
    for bad in ([0.5, 1, 2], [np.nan, 1, 2], [np.inf, 1, 2]):
        with pytest.raises(InputError, match="fractions"):
            loaded.predict({"x": np.array(bad)})
    with pytest.raises(InputError, match="out of range"):
        loaded.predict({"x": np.array([2**31, 0, 0])})


def test_a_failing_operation_is_named_with_what_it_was_given(convert: Convert) -> None:
    @mb.program(input_specs=[mb.TensorSpec(shape=(4,)), mb.TensorSpec(shape=(2,), dtype=types.int32)])
    def program(x: Any, shape: Any) -> Any:
        return mb.reshape(x=x, shape=shape, name="to")

    loaded = mil.load(convert(program, "reshape"))
    assert loaded.predict({"x": np.arange(4), "shape": [2, 2]})["to"].shape == (2, 2)
    with pytest.raises(ExecutionError, match="reshape 'to'") as caught:
        loaded.predict({"x": np.arange(4), "shape": [3, 2]})
    assert "float32[4]" in str(caught.value)


def test_torch_modules_come_from_the_file_beside_the_package(network: Path, tmp_path: Path) -> None:
    import shutil

    path = Path(shutil.copytree(network, tmp_path / "net.mlpackage"))
    (tmp_path / "net.modules.json").write_text('{"act": "block.act", "second": "block.conv2"}')
    modules = {record.name: record.module for record in mil.load(path).operations}
    assert modules["act"] == "block.act"
    assert modules["second"] == "block.conv2"
    assert modules["first"] == ""
    assert mil.load(path, modules={"first": "stem"}).operations[0].module == "stem"
