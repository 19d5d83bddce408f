"""Packages compressed in every way that coremltools knows predict exactly what its own decompression predicts."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdqa import compat, mil

SMALLEST = 64
"""Weights of fewer elements stay as they are."""
X = np.random.default_rng(5).normal(size=(1, 16, 6, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def tools() -> Any:
    compat.prepare_coremltools()
    return __import__("coremltools.optimize.coreml", fromlist=["coreml"])


@pytest.fixture(scope="module")
def uncompressed() -> Iterator[Callable[[str], Any]]:
    """A convolution, a transposed one and a linear layer, as fp16, for a deployment target."""
    compat.prepare_coremltools()
    import coremltools as ct
    from coremltools.converters.mil.mil import Builder as mb

    draw = np.random.default_rng(1)
    models: dict[str, Any] = {}

    def model(target: str) -> Any:
        if target not in models:
            version = getattr(ct.target, target)
            conv, deconv, dense = (
                draw.normal(size=shape).astype(np.float32) for shape in ((32, 16, 3, 3), (32, 8, 2, 2), (32, 8))
            )

            def build(x: Any) -> Any:
                y = mb.relu(x=mb.conv(x=x, weight=conv, pad_type="same"))
                y = mb.conv_transpose(x=y, weight=deconv, strides=[2, 2])
                return mb.linear(x=mb.transpose(x=y, perm=[0, 2, 3, 1]), weight=dense)

            program = mb.program(input_specs=[mb.TensorSpec(shape=X.shape)], opset_version=version)(build)
            with compat.quiet_coremltools():
                models[target] = ct.convert(
                    program,
                    convert_to="mlprogram",
                    minimum_deployment_target=version,
                    compute_precision=ct.precision.FLOAT16,
                    skip_model_load=True,
                )
        return models[target]

    yield model
    with compat.quiet_coremltools():
        models.clear()
        gc.collect()


def palettize(**options: Any) -> Callable[[Any, Any], Any]:
    def apply(tools: Any, model: Any) -> Any:
        config = tools.OpPalettizerConfig(weight_threshold=SMALLEST, **options)
        return tools.palettize_weights(model, tools.OptimizationConfig(global_config=config))

    return apply


def quantize(joint: bool = False, **options: Any) -> Callable[[Any, Any], Any]:
    def apply(tools: Any, model: Any) -> Any:
        config = tools.OpLinearQuantizerConfig(weight_threshold=SMALLEST, **options)
        config = tools.OptimizationConfig(global_config=config)
        return tools.linear_quantize_weights(model, config, joint_compression=joint)

    return apply


def prune(tools: Any, model: Any) -> Any:
    config = tools.OpMagnitudePrunerConfig(target_sparsity=0.5, weight_threshold=SMALLEST)
    return tools.prune_weights(model, tools.OptimizationConfig(global_config=config))


def prune_below(tools: Any, model: Any) -> Any:
    config = tools.OpThresholdPrunerConfig(threshold=0.5, minimum_sparsity_percentile=0.1, weight_threshold=SMALLEST)
    return tools.prune_weights(model, tools.OptimizationConfig(global_config=config))


def prune_and_palettize(tools: Any, model: Any) -> Any:
    config = tools.OpPalettizerConfig(mode="uniform", nbits=4, weight_threshold=SMALLEST)
    config = tools.OptimizationConfig(global_config=config)
    return tools.palettize_weights(prune(tools, model), config, joint_compression=True)


def prune_and_quantize(tools: Any, model: Any) -> Any:
    return quantize(joint=True, mode="linear_symmetric", dtype="int8")(tools, prune(tools, model))


def palettize_and_quantize(tools: Any, model: Any) -> Any:
    tables = quantize(joint=True, mode="linear_symmetric", dtype="int8", granularity="per_tensor")
    return tables(tools, palettize(mode="uniform", nbits=4)(tools, model))


def prune_palettize_and_quantize(tools: Any, model: Any) -> Any:
    tables = quantize(joint=True, mode="linear_symmetric", dtype="int8", granularity="per_tensor")
    return tables(tools, prune_and_palettize(tools, model))


GROUPED: dict[str, Any] = {"granularity": "per_grouped_channel", "group_size": 8}
SYMMETRIC: dict[str, Any] = {"mode": "linear_symmetric", "dtype": "int8"}
VARIANTS: dict[str, tuple[str, Callable[[Any, Any], Any], set[str]]] = {
    "palettes of 4 bits by k-means": ("iOS16", palettize(mode="kmeans", nbits=4), {"lut_to_dense"}),
    "palettes of 6 bits by k-means": ("iOS16", palettize(mode="kmeans", nbits=6), {"lut_to_dense"}),
    "palettes of 8 bits": ("iOS16", palettize(mode="uniform", nbits=8), {"lut_to_dense"}),
    "palettes of 2 bits": ("iOS16", palettize(mode="uniform", nbits=2), {"lut_to_dense"}),
    "palettes of 1 bit": ("iOS16", palettize(mode="uniform", nbits=1), {"lut_to_dense"}),
    "int8 per channel": ("iOS16", quantize(granularity="per_channel", **SYMMETRIC), {"affine_dequantize"}),
    "uint8 with zero point": ("iOS16", quantize(mode="linear", dtype="uint8"), {"affine_dequantize"}),
    "int8 per tensor": ("iOS17", quantize(granularity="per_tensor", **SYMMETRIC), {"affine_dequantize"}),
    "pruned": ("iOS16", prune, {"sparse_to_dense"}),
    "pruned below a threshold": ("iOS16", prune_below, {"sparse_to_dense"}),
    "grouped palettes of 4 bits": ("iOS18", palettize(mode="uniform", nbits=4, **GROUPED), {"lut_to_dense"}),
    "grouped palettes of 3 bits": ("iOS18", palettize(mode="uniform", nbits=3, **GROUPED), {"lut_to_dense"}),
    "grouped palettes with scales": (
        "iOS18",
        palettize(mode="kmeans", nbits=4, enable_per_channel_scale=True, **GROUPED),
        {"lut_to_dense", "blockwise_shift_scale"},
    ),
    "palettes of vectors": ("iOS18", palettize(mode="kmeans", nbits=4, cluster_dim=2), {"lut_to_dense"}),
    "int8 per channel, iOS18": (
        "iOS18",
        quantize(granularity="per_channel", **SYMMETRIC),
        {"blockwise_shift_scale"},
    ),
    "int4 per block": (
        "iOS18",
        quantize(mode="linear_symmetric", dtype="int4", granularity="per_block", block_size=8),
        {"blockwise_shift_scale"},
    ),
    "uint4 per block with zero point": (
        "iOS18",
        quantize(mode="linear", dtype="uint4", granularity="per_block", block_size=8),
        {"blockwise_shift_scale"},
    ),
    "pruned, iOS18": ("iOS18", prune, {"sparse_to_dense"}),
    "pruned and palettized": ("iOS18", prune_and_palettize, {"lut_to_sparse", "sparse_to_dense"}),
    "pruned and quantized": ("iOS18", prune_and_quantize, {"sparse_blockwise_shift_scale", "sparse_to_dense"}),
    "palettized and quantized": ("iOS18", palettize_and_quantize, {"blockwise_shift_scale", "lut_to_dense"}),
    "pruned, palettized and quantized": (
        "iOS18",
        prune_palettize_and_quantize,
        {"blockwise_shift_scale", "lut_to_sparse", "sparse_to_dense"},
    ),
}


def constexpr_operations(model: Any) -> set[str]:
    """Names of the unpacking operations in a model's specification."""
    blocks = [
        block
        for function in model.get_spec().mlProgram.functions.values()
        for block in function.block_specializations.values()
    ]
    types = {operation.type for block in blocks for operation in block.operations}
    return {name.removeprefix("constexpr_") for name in types if name.startswith("constexpr_")}


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_equals_decompress_weights(
    variant: str, tools: Any, uncompressed: Callable[[str], Any], tmp_path: Path
) -> None:
    target, compress, expected = VARIANTS[variant]
    packed, dense = tmp_path / "packed.mlpackage", tmp_path / "dense.mlpackage"
    with compat.quiet_coremltools(), np.errstate(all="ignore"):
        model = compress(tools, uncompressed(target))
        found = constexpr_operations(model)
        model.save(str(packed))
        model = tools.decompress_weights(model)
        left = constexpr_operations(model)
        model.save(str(dense))
        del model
        gc.collect()  # coremltools leaves its temporary folders to the collector, which warns
    assert found == expected
    assert not left
    one, other = (mil.load(path).predict({"x": X}) for path in (packed, dense))
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])
