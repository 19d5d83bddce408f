"""Fused execution: what is recognised, that it gives what the literal operations give, and that faults still show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coremltools.converters.mil import Builder as mb

from sdqa import mil
from sdqa.errors import UnsupportedPackage
from sdqa.mil.plan import BlockPlan

from .conftest import Convert
from .packages import edit

SHAPE = (1, 8, 4, 4)


def _group_norm(x: Any, root: str = "sqrt", affine: str = "batch_norm") -> Any:
    """As converters write it out: 2 groups of 4 channels."""
    rng = np.random.default_rng(0)
    gamma, beta = rng.standard_normal((2, 8)).astype(np.float32)
    grouped = mb.reshape(x=x, shape=(1, 2, 4, 4, 4))
    centered = mb.sub(x=grouped, y=mb.reduce_mean(x=grouped, axes=[2, 3, 4], keep_dims=True), name="centered")
    squared = mb.square(x=centered) if root == "sqrt" else mb.mul(x=centered, y=centered)
    variance = mb.reduce_mean(x=squared, axes=[2, 3, 4], keep_dims=True)
    if root == "sqrt":
        normal = mb.real_div(x=centered, y=mb.sqrt(x=mb.add(x=variance, y=np.float32(1e-5))))
    else:
        normal = mb.mul(x=centered, y=mb.rsqrt(x=variance, epsilon=np.float32(1e-5)))
    back = mb.reshape(x=normal, shape=SHAPE)
    if affine == "batch_norm":
        zero, one = np.zeros(8, np.float32), np.ones(8, np.float32)
        return mb.batch_norm(x=back, mean=zero, variance=one, gamma=gamma, beta=beta)
    if affine == "mul":
        return mb.add(x=mb.mul(x=back, y=gamma.reshape(1, 8, 1, 1)), y=beta.reshape(1, 8, 1, 1))
    return back


def _attention(q: Any, k: Any, v: Any, mask: Any = None, scale: float = 0.5) -> Any:
    scores = mb.matmul(x=q, y=k, transpose_y=True)
    scores = mb.mul(x=scores, y=np.float32(scale), name="scores")
    if mask is not None:
        scores = mb.add(x=scores, y=mask)
    return mb.matmul(x=mb.softmax(x=scores, axis=-1), y=v)


def executed(program: mil.Program) -> list[str]:
    plan: BlockPlan = program._plan(frozenset())
    return [step.node.type for step in plan.steps]


def both(path: Path, inputs: dict[str, Any], precision: str = "declared") -> tuple[Any, Any]:
    """Fused and literal results."""
    results = [mil.load(path, fuse=fuse, precision=precision).predict(inputs) for fuse in (True, False)]
    return tuple(next(iter(result.values())) for result in results)  # type: ignore[return-value]


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(("root", "affine"), [("sqrt", "batch_norm"), ("rsqrt", "mul"), ("sqrt", "none")])
def test_group_norm(convert: Convert, half: bool, root: str, affine: str) -> None:
    @mb.program(input_specs=[mb.TensorSpec(shape=SHAPE)])
    def program(x: Any) -> Any:
        return _group_norm(x, root, affine)

    path = convert(program, f"group_norm_{root}_{affine}_{half}", half=half)
    assert [kind for kind in executed(mil.load(path)) if kind != "cast"] == ["fused.group_norm"]
    fused, literal = both(path, {"x": np.random.default_rng(1).standard_normal(SHAPE) * 3})
    tolerance = {"rtol": 4e-3, "atol": 4e-3} if half else {"rtol": 1e-5, "atol": 1e-5}
    np.testing.assert_allclose(fused, literal, **tolerance)


@pytest.mark.parametrize(("size", "harm"), [(400.0, 0.5), (2e-3, 1e-3)], ids=["overflow", "underflow"])
def test_faults_of_a_norm_in_fp16_show_though_it_is_fused(convert: Convert, size: float, harm: float) -> None:
    """Squares above 65504 are infinite and make zeros; variances below fp16's normal numbers lose digits."""

    @mb.program(input_specs=[mb.TensorSpec(shape=SHAPE)])
    def program(x: Any) -> Any:
        return _group_norm(x, "sqrt", "none")

    path = convert(program, f"norm_fault_{size}", half=True)
    x = np.random.default_rng(1).standard_normal(SHAPE) * size
    fused, literal = both(path, {"x": x})
    np.testing.assert_array_equal(fused, literal)
    (exact,) = mil.load(path, precision="float32").predict({"x": x}).values()
    assert np.abs(exact - literal).max() > harm


@pytest.mark.parametrize(("axes", "half"), [([-1], False), ([1], False), ([-1], True), ([1], True)])
def test_layer_norm_over_any_axis(convert: Convert, axes: list[int], half: bool) -> None:
    @mb.program(input_specs=[mb.TensorSpec(shape=(2, 6, 5))])
    def program(x: Any) -> Any:
        centered = mb.sub(x=x, y=mb.reduce_mean(x=x, axes=axes, keep_dims=True))
        variance = mb.reduce_mean(x=mb.square(x=centered), axes=axes, keep_dims=True)
        return mb.mul(x=centered, y=mb.rsqrt(x=mb.add(x=variance, y=np.float32(1e-3))))

    path = convert(program, f"layer_norm_{axes[0]}_{half}", half=half)
    assert "fused.normalise" in executed(mil.load(path))
    fused, literal = both(path, {"x": np.random.default_rng(1).standard_normal((2, 6, 5))})
    np.testing.assert_allclose(fused, literal, atol=4e-3 if half else 1e-5)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("shape", [(2, 6, 4), (1, 3, 6, 4)])
@pytest.mark.parametrize("masked", ["no", "constant", "computed"])
def test_attention(convert: Convert, half: bool, shape: tuple[int, ...], masked: str) -> None:
    rows = shape[-2]
    causal = np.triu(np.full((rows, rows), -1e4, np.float32), 1)
    specs = [mb.TensorSpec(shape=shape) for _ in range(3)]
    specs += [mb.TensorSpec(shape=(rows, rows))] * (masked == "computed")

    if masked == "computed":

        @mb.program(input_specs=specs)
        def program(q: Any, k: Any, v: Any, mask: Any) -> Any:
            return _attention(q, k, v, mask)
    else:

        @mb.program(input_specs=specs)
        def program(q: Any, k: Any, v: Any) -> Any:
            return _attention(q, k, v, causal if masked == "constant" else None)

    path = convert(program, f"attention_{len(shape)}_{masked}_{half}", half=half)
    assert [kind for kind in executed(mil.load(path)) if kind != "cast"] == ["fused.attention"]
    rng = np.random.default_rng(0)
    inputs = {name: rng.standard_normal(shape) for name in "qkv"} | ({"mask": causal} if masked == "computed" else {})
    fused, literal = both(path, inputs)
    np.testing.assert_allclose(fused, literal, atol=4e-3 if half else 1e-5)


def test_overflowing_scores_show_though_attention_is_fused(convert: Convert) -> None:
    @mb.program(input_specs=[mb.TensorSpec(shape=(1, 2, 6, 4)) for _ in range(3)])
    def program(q: Any, k: Any, v: Any) -> Any:
        return _attention(q, k, v)

    path = convert(program, "attention_overflow", half=True)
    rng = np.random.default_rng(0)
    inputs = {"q": rng.standard_normal((1, 2, 6, 4)) * 300, "k": rng.standard_normal((1, 2, 6, 4)) * 300}
    fused, literal = both(path, inputs | {"v": np.ones((1, 2, 6, 4))})
    assert np.isnan(literal).any()
    np.testing.assert_array_equal(fused, literal)


@pytest.mark.parametrize("half", [False, True])
def test_a_row_that_is_masked_throughout_shows_though_attention_is_fused(convert: Convert, half: bool) -> None:
    mask = np.zeros((6, 6), np.float32)
    mask[2] = np.finfo(np.float16).min if half else -np.inf

    @mb.program(input_specs=[mb.TensorSpec(shape=(1, 2, 6, 4)) for _ in range(3)])
    def program(q: Any, k: Any, v: Any) -> Any:
        return _attention(q, k, v, mask, scale=20.0)

    path = convert(program, f"attention_mask_{half}", half=half)
    rng = np.random.default_rng(0)
    fused, literal = both(path, {name: rng.standard_normal((1, 2, 6, 4)) * 3 for name in "qkv"})
    np.testing.assert_array_equal(fused, literal)
    if not half:
        assert np.isnan(literal[:, :, 2]).all()


def test_a_gate_is_fused_in_fp32_only(convert: Convert) -> None:
    @mb.program(input_specs=[mb.TensorSpec(shape=(3, 50))])
    def program(x: Any) -> Any:
        return mb.mul(x=x, y=mb.sigmoid(x=mb.mul(x=x, y=np.float32(1.702))))

    x = np.linspace(-15, 15, 150).reshape(3, 50)
    path = convert(program, "gate")
    assert executed(mil.load(path)) == ["fused.silu"]
    fused, literal = both(path, {"x": x})
    np.testing.assert_allclose(fused, literal, atol=2e-6)
    assert "fused.silu" not in executed(mil.load(convert(program, "gate_half", half=True)))


def test_what_is_used_elsewhere_or_captured_is_not_fused_away(convert: Convert) -> None:
    @mb.program(input_specs=[mb.TensorSpec(shape=SHAPE)])
    def shared(x: Any) -> Any:
        normal = _group_norm(x, "sqrt", "none")
        centered = mb.sub(x=x, y=np.float32(1))
        return mb.add(x=normal, y=mb.sigmoid(x=centered), name="y"), mb.identity(x=normal.op.x.op.x, name="interior")

    path = convert(shared, "shared")
    assert "fused.group_norm" not in executed(mil.load(path))

    @mb.program(input_specs=[mb.TensorSpec(shape=SHAPE)])
    def program(x: Any) -> Any:
        return _group_norm(x)

    loaded = mil.load(convert(program, "captured"))
    _, seen = loaded.predict({"x": np.random.default_rng(0).standard_normal(SHAPE)}, capture=["centered"])
    assert seen["centered"].shape == (1, 2, 4, 4, 4)
    assert "fused.group_norm" in executed(loaded)


def test_fuse_false_is_literal(convert: Convert) -> None:
    @mb.program(input_specs=[mb.TensorSpec(shape=SHAPE)])
    def program(x: Any) -> Any:
        return _group_norm(x)

    loaded = mil.load(convert(program, "literal"), fuse=False)
    assert executed(loaded) == [record.type for record in loaded.operations]


def test_a_package_cannot_name_a_fused_operation(damaged: Path) -> None:
    def rename(model: Any) -> None:
        for operation in model.mlProgram.functions["main"].block_specializations["CoreML7"].operations:
            if operation.type == "silu":
                operation.type = "fused.silu"

    edit(damaged, rename)
    with pytest.raises(UnsupportedPackage, match=r"fused\.silu"):
        mil.load(damaged)
