"""Predicting with whole programs, and Core ML's conventions at their border."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import coremltools as ct
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


def test_scalars_become_arrays_of_one_and_halves_become_floats(convert: Convert) -> None:
    @mb.program(input_specs=[mb.TensorSpec(shape=(3,))])
    def program(x: Any) -> Any:
        return mb.reduce_sum(x=x, axes=[0], keep_dims=False, name="total")

    result = mil.load(convert(program, "scalar", half=True)).predict({"x": np.ones(3)})["total"]
    assert result.shape == (1,)
    assert result.dtype == np.float32


def test_flexible_shapes_within_their_range(convert: Convert) -> None:
    @mb.program(input_specs=[mb.TensorSpec(shape=(1, mb_symbol()))])
    def program(x: Any) -> Any:
        return mb.mul(x=x, y=2.0, name="y")

    path = convert(program, "range", inputs=[ct.TensorType(name="x", shape=(1, ct.RangeDim(2, 5)))])
    loaded = mil.load(path)
    assert loaded.inputs[0].ranges == ((1, 1), (2, 5))
    for size in (2, 5):
        assert loaded.predict({"x": np.ones((1, size))})["y"].shape == (1, size)
    for size in (1, 6):
        with pytest.raises(InputError, match="2–5"):
            loaded.predict({"x": np.ones((1, size))})
    assert loaded.profile().flops is None
    assert loaded.profile({"x": np.ones((1, 4))}).flops == 4


def mb_symbol() -> Any:
    """An open dimension."""
    from coremltools.converters.mil.mil import get_new_symbol

    return get_new_symbol()


def test_enumerated_shapes(convert: Convert) -> None:
    @mb.program(input_specs=[mb.TensorSpec(shape=(1, mb_symbol()))])
    def program(x: Any) -> Any:
        return mb.mul(x=x, y=2.0, name="y")

    shapes = ct.EnumeratedShapes(shapes=[(1, 2), (1, 4)], default=(1, 2))
    loaded = mil.load(convert(program, "choices", inputs=[ct.TensorType(name="x", shape=shapes)]))
    assert loaded.predict({"x": np.ones((1, 4))})["y"].shape == (1, 4)
    with pytest.raises(InputError, match="one of"):
        loaded.predict({"x": np.ones((1, 3))})


def test_an_optional_input_takes_its_default(convert: Convert) -> None:
    class Sum(torch.nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return x + y

    traced = torch.jit.trace(Sum(), (torch.zeros(3), torch.zeros(3)))
    inputs = [
        ct.TensorType(name="x", shape=(3,)),
        ct.TensorType(name="y", shape=(3,), default_value=np.full(3, 7.0, np.float32)),
    ]
    loaded = mil.load(convert(traced, "optional", inputs=inputs, outputs=[ct.TensorType(name="z")]))
    assert loaded.predict({"x": np.ones(3)})["z"].tolist() == [8, 8, 8]
    assert loaded.predict({"x": np.ones(3), "y": np.ones(3)})["z"].tolist() == [2, 2, 2]


def test_a_classifier_gives_a_label_and_probabilities(convert: Convert) -> None:
    traced = torch.jit.trace(torch.nn.Softmax(dim=-1), torch.zeros(1, 3))
    config = ct.ClassifierConfig(["cat", "dog", "emu"])
    inputs = [ct.TensorType(name="x", shape=(1, 3))]
    result = mil.load(convert(traced, "classifier", inputs=inputs, classifier_config=config)).predict(
        {"x": np.array([[0.0, 2.0, 1.0]])}
    )
    assert result["classLabel"] == "dog"
    (probabilities,) = (value for value in result.values() if isinstance(value, dict))
    assert list(probabilities) == ["cat", "dog", "emu"]
    assert sum(probabilities.values()) == pytest.approx(1)


@pytest.mark.parametrize(("layout", "order"), [("RGB", [0, 1, 2]), ("BGR", [2, 1, 0])])
def test_images_in_and_out(convert: Convert, layout: str, order: list[int]) -> None:
    from PIL import Image

    class Invert(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 255.0 - x

    traced = torch.jit.trace(Invert(), torch.zeros(1, 3, 4, 5))
    color = getattr(ct.colorlayout, layout)
    path = convert(
        traced,
        f"image_{layout}",
        inputs=[ct.ImageType(name="x", shape=(1, 3, 4, 5), color_layout=color)],
        outputs=[ct.ImageType(name="y", color_layout=color)],
    )
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    loaded = mil.load(path)
    result = loaded.predict({"x": Image.fromarray(pixels)})["y"]
    assert result.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(result), 255 - pixels)
    _, seen = loaded.predict({"x": Image.fromarray(pixels)}, capture="all")
    np.testing.assert_array_equal(next(iter(seen.values()))[0], 255.0 - pixels.transpose(2, 0, 1)[order])
    with pytest.raises(InputError, match="shape"):
        loaded.predict({"x": Image.fromarray(pixels[:2])})


def test_images_of_several_sizes(convert: Convert) -> None:
    from PIL import Image

    traced = torch.jit.trace(torch.nn.Upsample(scale_factor=2), torch.zeros(1, 3, 4, 4))
    sizes = {
        "choices": ct.EnumeratedShapes(shapes=[(1, 3, 4, 4), (1, 3, 6, 8)], default=(1, 3, 4, 4)),
        "range": ct.Shape(shape=(1, 3, ct.RangeDim(4, 6), ct.RangeDim(4, 8))),
    }
    for name, shape in sizes.items():
        path = convert(traced, f"images_{name}", inputs=[ct.ImageType(name="x", shape=shape)])
        loaded = mil.load(path)
        for height, width in ((4, 4), (6, 8)):
            (result,) = loaded.predict({"x": Image.new("RGB", (width, height), (9, 8, 7))}).values()
            assert result.shape == (1, 3, 2 * height, 2 * width)
            assert result[0, :, 0, 0].tolist() == [9, 8, 7]
        with pytest.raises(InputError, match="shape"):
            loaded.predict({"x": Image.new("RGB", (20, 20))})


def test_states_live_from_one_prediction_to_the_next(convert: Convert) -> None:
    @mb.program(
        input_specs=[mb.TensorSpec((3,), dtype=types.fp16), mb.StateTensorSpec((3,), dtype=types.fp16)],
        opset_version=ct.target.iOS18,
    )
    def program(x: Any, memory: Any) -> Any:
        before = mb.read_state(input=memory)
        after = mb.add(x=before, y=x)
        return mb.mul(x=mb.coreml_update_state(state=memory, value=after), y=np.float16(10), name="y")

    loaded = mil.load(convert(program, "state", target=ct.target.iOS18, half=True))
    state = loaded.make_state()
    assert state.names == ("memory",)
    assert [loaded.predict({"x": np.ones(3)}, state=state)["y"][0] for _ in range(3)] == [10, 20, 30]
    assert state.read("memory").tolist() == [3, 3, 3]
    state.write("memory", np.full(3, 0.5, np.float32))
    assert loaded.predict({"x": np.ones(3)}, state=state)["y"][0] == 15
    assert loaded.predict({"x": np.ones(3)})["y"][0] == 10
    with pytest.raises(InputError, match="no state"):
        state.read("other")
    with pytest.raises(InputError, match="shape"):
        state.write("memory", np.zeros(4, np.float32))


# coremltools leaves the temporary folder it merges functions in to the garbage collector
@pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning")
def test_a_package_with_several_functions(convert: Convert, tmp_path: Path) -> None:
    paths = []
    for name, factor in (("double", 2.0), ("triple", 3.0)):

        @mb.program(input_specs=[mb.TensorSpec(shape=(3,))], opset_version=ct.target.iOS18)
        def program(x: Any) -> Any:
            return mb.mul(
                x=x,
                y=factor,  # noqa: B023  traced at once
                name="y",
            )

        paths.append((name, convert(program, name, target=ct.target.iOS18)))
    descriptor = ct.utils.MultiFunctionDescriptor()
    for name, path in paths:
        descriptor.add_function(str(path), src_function_name="main", target_function_name=name)
    descriptor.default_function_name = "double"
    both = tmp_path / "both.mlpackage"
    ct.utils.save_multifunction(descriptor, str(both))
    assert mil.load(both).predict({"x": np.ones(3)})["y"].tolist() == [2, 2, 2]
    assert mil.load(both, function="triple").predict({"x": np.ones(3)})["y"].tolist() == [3, 3, 3]
    assert sorted(mil.load(both).functions) == ["double", "triple"]


def test_torch_modules_come_from_the_file_beside_the_package(network: Path, tmp_path: Path) -> None:
    import shutil

    path = Path(shutil.copytree(network, tmp_path / "net.mlpackage"))
    (tmp_path / "net.modules.json").write_text('{"act": "block.act", "second": "block.conv2"}')
    modules = {record.name: record.module for record in mil.load(path).operations}
    assert modules["act"] == "block.act"
    assert modules["second"] == "block.conv2"
    assert modules["first"] == ""
    assert mil.load(path, modules={"first": "stem"}).operations[0].module == "stem"
