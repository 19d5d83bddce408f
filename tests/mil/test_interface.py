"""Core ML's conventions at a program's border: shapes, defaults, labels, images, states, functions."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import coremltools as ct
import numpy as np
import pytest
import torch
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import types

from sdqa import mil
from sdqa.errors import InputError, UsageError

from .conftest import Convert
from .packages import edit


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


@pytest.mark.parametrize("layout", ["RGB", "GRAYSCALE"])
def test_an_image_with_an_open_batch_is_one_picture(convert: Convert, layout: str) -> None:
    """As a converter from TensorFlow leaves it: the program's batch is open, the image's size is fixed."""
    from PIL import Image

    channels = 3 if layout == "RGB" else 1
    traced = torch.jit.trace(torch.nn.ReLU(), torch.zeros(1, channels, 4, 6))
    image = ct.ImageType(name="x", shape=(1, channels, 4, 6), color_layout=getattr(ct.colorlayout, layout))
    source = convert(traced, f"open_batch_{layout}", inputs=[image])
    package = source.with_name(f"opened_batch_{layout}.mlpackage")
    shutil.copytree(source, package)

    def unfix(message: Any) -> None:
        message.ClearField("constant")
        message.unknown.variadic = False

    def change(model: Any) -> None:
        function = model.mlProgram.functions["main"]
        unfix(function.inputs[0].type.tensorType.dimensions[0])
        for body in function.block_specializations.values():
            for operation in body.operations:
                if operation.type != "const":
                    unfix(operation.outputs[0].type.tensorType.dimensions[0])

    edit(package, change)
    loaded = mil.load(package)
    assert loaded.function.inputs[0].type.shape == (-1, channels, 4, 6)
    assert loaded.inputs[0].shape == (1, channels, 4, 6)
    (result,) = loaded.predict(
        {"x": Image.new(layout if layout == "RGB" else "L", (6, 4), 7 if channels == 1 else (7, 8, 9))}
    ).values()
    assert result.shape == (1, channels, 4, 6)
    assert result[0, 0, 0, 0] == 7
    with pytest.raises(InputError, match=rf"expected is \[1, {channels}, 4, 6\]"):
        loaded.predict({"x": np.zeros((2, channels, 4, 6), np.float32)})


@pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning")
def test_a_function_is_named_after_a_mark(convert: Convert, tmp_path: Path) -> None:
    descriptor = ct.utils.MultiFunctionDescriptor()
    for name, factor in (("style_a", 2.0), ("style_b", 3.0)):

        @mb.program(input_specs=[mb.TensorSpec(shape=(3,))], opset_version=ct.target.iOS18)
        def program(x: Any) -> Any:
            return mb.mul(
                x=x,
                y=factor,  # noqa: B023  traced at once
                name="y",
            )

        path = convert(program, name, target=ct.target.iOS18)
        descriptor.add_function(str(path), src_function_name="main", target_function_name=name)
    descriptor.default_function_name = "style_a"
    package = tmp_path / "styles.mlpackage"
    ct.utils.save_multifunction(descriptor, str(package))
    for address, factor in ((str(package), 2), (f"{package}#style_b", 3), (Path(f"{package}#style_a"), 2)):
        assert mil.load(address).predict({"x": np.ones(3)})["y"][0] == factor
    with pytest.raises(UsageError, match=r"no function 'style_c'[\s\S]*style_a"):
        mil.load(f"{package}#style_c")
