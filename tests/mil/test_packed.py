"""Packed layers give what the plain operations give, in every form they accept, and decline the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from coremltools.converters.mil import Builder as mb

from sdqa import mil
from sdqa.mil.packed import AVAILABLE, Packed

from .conftest import Convert

RNG = np.random.default_rng(0)


def packed(program: mil.Program) -> int:
    return sum(isinstance(step.operation.run, Packed) for step in program._plan(frozenset()).steps)


def check(path: Any, inputs: dict[str, Any], expected: int) -> None:
    loaded = mil.load(path)
    assert packed(loaded) == (expected if AVAILABLE else 0)
    (result,), (literal,) = loaded.predict(inputs).values(), mil.load(path, fuse=False).predict(inputs).values()
    np.testing.assert_allclose(result, literal, rtol=1e-4, atol=1e-4)
    (frugal,) = mil.load(path, memory_limit=0).predict(inputs).values()
    np.testing.assert_array_equal(frugal, literal)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"pad_type": "valid"}, 1),
        ({"pad_type": "same"}, 1),
        ({"pad_type": "same", "strides": [2, 2]}, 0),
        ({"pad_type": "custom", "pad": [1, 1, 2, 2], "strides": [2, 1]}, 1),
        ({"pad_type": "custom", "pad": [0, 1, 2, 2]}, 0),
        ({"pad_type": "valid", "dilations": [2, 2]}, 1),
        ({"pad_type": "valid", "groups": 2}, 1),
    ],
)
@pytest.mark.parametrize("biased", [True, False])
def test_convolutions(convert: Convert, options: dict[str, Any], expected: int, biased: bool) -> None:
    groups = options.get("groups", 1)
    weight = RNG.standard_normal((64, 16 // groups, 3, 3)).astype(np.float32) * 0.1
    extra = {"bias": RNG.standard_normal(64).astype(np.float32)} if biased else {}

    @mb.program(input_specs=[mb.TensorSpec(shape=(2, 16, 9, 11))])
    def program(x: Any) -> Any:
        return mb.conv(x=x, weight=weight, **options, **extra)

    name = "conv_" + "_".join(str(value).replace(" ", "") for value in options.values()) + f"_{biased}"
    check(convert(program, name), {"x": RNG.standard_normal((2, 16, 9, 11))}, expected)


@pytest.mark.parametrize(("shape", "expected"), [((2, 40, 64), 1), ((1, 64), 0), ((40, 64), 1)])
@pytest.mark.parametrize("half", [True, False])
def test_linear_maps(convert: Convert, shape: tuple[int, ...], expected: int, half: bool) -> None:
    weight = RNG.standard_normal((96, 64)).astype(np.float32) * 0.1
    bias = RNG.standard_normal(96).astype(np.float32)

    @mb.program(input_specs=[mb.TensorSpec(shape=shape)])
    def program(x: Any) -> Any:
        return mb.linear(x=x, weight=weight, bias=bias)

    path = convert(program, f"linear_{len(shape)}_{shape[0]}_{half}", half=half)
    loaded = mil.load(path)
    assert packed(loaded) == (expected if AVAILABLE else 0)
    inputs = {"x": RNG.standard_normal(shape)}
    (result,), (literal,) = loaded.predict(inputs).values(), mil.load(path, fuse=False).predict(inputs).values()
    np.testing.assert_allclose(result, literal, rtol=2e-3 if half else 1e-4, atol=2e-3 if half else 1e-4)


def test_a_packed_weight_counts_against_the_limit_and_is_not_kept_twice(convert: Convert) -> None:
    weight = RNG.standard_normal((96, 64)).astype(np.float32)

    @mb.program(input_specs=[mb.TensorSpec(shape=(40, 64))])
    def program(x: Any) -> Any:
        return mb.linear(x=x, weight=weight)

    loaded = mil.load(convert(program, "limit"))
    loaded.predict({"x": np.ones((40, 64))})
    assert loaded.weights.kept_bytes == (weight.nbytes if AVAILABLE else 0)
