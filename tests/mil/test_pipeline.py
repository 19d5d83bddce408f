"""Pipelines of ML Programs, as coremltools' `make_pipeline` writes them."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import coremltools as ct
import numpy as np
import pytest
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import types

from sdqa import compat, mil
from sdqa.errors import PackageError, UnsupportedPackage
from sdqa.mil import schema

from .conftest import Convert
from .packages import edit

pytestmark = pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning")
WEIGHT = np.random.default_rng(0).standard_normal((8, 4)).astype(np.float32)
BACK = np.random.default_rng(1).standard_normal((4, 8)).astype(np.float32)
Save = Callable[..., Path]


@pytest.fixture
def pipeline(tmp_path: Path) -> Save:
    """Saves packages as one pipeline."""

    def save(*packages: Path) -> Path:
        with compat.quiet_coremltools(), warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            models = [ct.models.MLModel(str(package), skip_model_load=True) for package in packages]
            ct.utils.make_pipeline(*models).save(str(tmp_path / "pipeline.mlpackage"))
            gc.collect()
        return tmp_path / "pipeline.mlpackage"

    return save


def _first(convert: Convert, *, half: bool = False, inner: str = "inner") -> Path:
    @mb.program(input_specs=[mb.TensorSpec((2, 4))], opset_version=ct.target.iOS17)
    def program(x: Any) -> Any:
        return mb.abs(x=mb.linear(x=x, weight=WEIGHT, name=inner), name="hidden")

    return convert(program, f"first_{half}_{inner}", half=half)


def _second(convert: Convert) -> Path:
    """Takes the first's output and the pipeline's input, which goes to both."""

    @mb.program(input_specs=[mb.TensorSpec((2, 8)), mb.TensorSpec((2, 4))], opset_version=ct.target.iOS17)
    def program(hidden: Any, x: Any) -> Any:
        return mb.add(x=mb.linear(x=mb.sqrt(x=hidden), weight=BACK, name="inner"), y=x, name="y")

    return convert(program, "second")


def _by_hand(first: Path, second: Path, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    hidden = mil.load(first).predict({"x": x})["hidden"]
    result: np.ndarray[Any, Any] = mil.load(second).predict({"hidden": hidden, "x": x})["y"]
    return result


@pytest.fixture
def x() -> np.ndarray[Any, Any]:
    return np.random.default_rng(2).standard_normal((2, 4)).astype(np.float32)


@pytest.mark.parametrize("half", [False, True])
def test_models_run_in_order(convert: Convert, pipeline: Save, x: np.ndarray[Any, Any], half: bool) -> None:
    first, second = _first(convert, half=half), _second(convert)
    loaded = mil.load(pipeline(first, second))
    assert [feature.name for feature in loaded.inputs] == ["x"]
    assert [feature.name for feature in loaded.outputs] == ["y"]
    np.testing.assert_array_equal(loaded.predict({"x": x})["y"], _by_hand(first, second, x))
    assert {record.type for record in loaded.operations} >= {"linear", "sqrt", "add"}
    assert loaded.profile().flops
    _, seen = loaded.predict({"x": x}, capture="all")
    assert len(seen) == len([record for record in loaded.operations if record.outputs])


@pytest.mark.parametrize("inner", ["inner", "y"])
def test_values_of_one_name(convert: Convert, pipeline: Save, x: np.ndarray[Any, Any], inner: str) -> None:
    """A value inside the first model is called like one of the second, or like the pipeline's output."""
    first, second = _first(convert, inner=inner), _second(convert)
    loaded = mil.load(pipeline(first, second))
    np.testing.assert_array_equal(loaded.predict({"x": x})["y"], _by_hand(first, second, x))
    assert len(loaded.weight_names) == len(set(loaded.weight_names)) > 1
    values = [name for record in loaded.operations for name in record.outputs]
    assert len(values) == len(set(values))
    operations = [record.name for record in loaded.operations]
    assert len(operations) == len(set(operations))


def test_three_models(convert: Convert, pipeline: Save, x: np.ndarray[Any, Any]) -> None:
    @mb.program(input_specs=[mb.TensorSpec((2, 4))], opset_version=ct.target.iOS17)
    def last(y: Any) -> Any:
        return mb.mul(x=y, y=2.0, name="z")

    first, second = _first(convert), _second(convert)
    loaded = mil.load(pipeline(first, second, convert(last, "last")))
    np.testing.assert_array_equal(loaded.predict({"x": x})["z"], 2 * _by_hand(first, second, x))


def test_a_state_in_a_pipeline(convert: Convert, pipeline: Save) -> None:
    @mb.program(
        input_specs=[mb.TensorSpec((2,), dtype=types.fp16), mb.StateTensorSpec((2,), dtype=types.fp16)],
        opset_version=ct.target.iOS18,
    )
    def counts(x: Any, memory: Any) -> Any:
        total = mb.add(x=mb.read_state(input=memory), y=x)
        return mb.identity(x=mb.coreml_update_state(state=memory, value=total), name="total")

    @mb.program(input_specs=[mb.TensorSpec((2,), dtype=types.fp16)], opset_version=ct.target.iOS18)
    def doubles(total: Any) -> Any:
        return mb.mul(x=total, y=np.float16(2), name="y")

    options = {"target": ct.target.iOS18, "half": True}
    loaded = mil.load(pipeline(convert(counts, "counts", **options), convert(doubles, "doubles", **options)))
    state = loaded.make_state()
    assert [loaded.predict({"x": np.ones(2)}, state=state)["y"][0] for _ in range(3)] == [2, 4, 6]


def test_models_that_do_not_fit_are_refused(convert: Convert, pipeline: Save) -> None:
    @mb.program(input_specs=[mb.TensorSpec((3, 3))], opset_version=ct.target.iOS17)
    def program(hidden: Any) -> Any:
        return mb.relu(x=hidden, name="y")

    package = pipeline(_first(convert), convert(program, "unfitting"))
    with pytest.raises(PackageError, match=r"model 1 of the pipeline takes 'hidden' as fp32\[3 × 3\], it is given"):
        mil.load(package)


def test_a_model_of_another_kind_inside_is_named(convert: Convert, pipeline: Save) -> None:
    package = pipeline(_first(convert), _second(convert))
    edit(package, lambda model: model.pipeline.models[1].neuralNetwork.SetInParent())
    with pytest.raises(UnsupportedPackage, match="model 1 of a pipeline"):
        mil.load(package)


def test_an_empty_pipeline(tmp_path: Path) -> None:
    model = schema.new_model()
    model.pipeline.SetInParent()
    (tmp_path / "x.mlmodel").write_bytes(model.SerializeToString())
    with pytest.raises(PackageError, match="no models"):
        mil.load(tmp_path / "x.mlmodel")


def test_an_output_that_nothing_gives(convert: Convert, pipeline: Save) -> None:
    package = pipeline(_first(convert), _second(convert))
    edit(package, lambda model: setattr(model.description.output[0], "name", "z"))
    with pytest.raises(PackageError, match="gives the output 'z'"):
        mil.load(package)
