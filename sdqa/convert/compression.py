"""Compression recipes: an uncompressed package in memory to a compressed one, checked before and inventoried after."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sdqa.convert.clusters import table_maker
from sdqa.convert.sidecar import constant_name, plain_name
from sdqa.errors import ConversionError

WEIGHT_THRESHOLD = 2048
"""Tensors with fewer elements stay as they are: they save nothing and norms and biases are sensitive."""
INT4_BLOCK = 32

Pass = Callable[[Any], Any]
RECIPE_PASSES: dict[str, Callable[[re.Match[str]], Pass]] = {}


def recipe(pattern: str) -> Callable[[Callable[[re.Match[str]], Pass]], Callable[[re.Match[str]], Pass]]:
    """Register what makes the compression pass for recipe names that match a pattern."""

    def register(make: Callable[[re.Match[str]], Pass]) -> Callable[[re.Match[str]], Pass]:
        if pattern in RECIPE_PASSES:
            raise ValueError(f"two recipes for {pattern}")
        RECIPE_PASSES[pattern] = make
        return make

    return register


def compress_model(model: Any, name: str, *, where: str) -> Any:
    """Apply a recipe to a coremltools model.

    Raises:
        ConversionError: a weight is not finite (a table would be spoilt by it), or coremltools refuses.
    """
    from sdqa import compat

    compat.prepare_coremltools()
    require_finite(model, where=where)
    for pattern, make in RECIPE_PASSES.items():
        match = re.fullmatch(pattern, name)
        if match:
            with compat.quiet_coremltools():
                try:
                    return make(match)(model)
                except (ValueError, RuntimeError, TypeError, AssertionError, NotImplementedError) as error:
                    raise ConversionError(f"{name} failed: {type(error).__name__}: {error}", where=where) from error
    raise ConversionError(f"{name!r} is not a recipe", where=where)


def require_finite(model: Any, *, where: str) -> None:
    """Refuse NaN and infinity in weights: a `-inf` from a causal mask ruins a look-up table without a word."""
    bad = []
    for operation in model._mil_program.functions["main"].operations:
        value = operation.outputs[0].val if operation.op_type == "const" else None
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and not np.isfinite(value).all():
            bad.append(f"{operation.outputs[0].name} ({int((~np.isfinite(value)).sum())} of {value.size})")
    if bad:
        raise ConversionError(
            f"weights are not finite before compression: {', '.join(bad[:4])}",
            where=where,
            hint="an attention mask at -inf, or an overflow to fp16; convert with a finite mask or in float32",
        )


def _configuration(each: Any, by_name: Mapping[str, Any] | None = None) -> Any:
    import coremltools.optimize.coreml as cto

    return cto.OptimizationConfig(global_config=each, op_name_configs=dict(by_name or {}))


def palettizer(bits: int, *, group: int | None = None) -> Any:
    """coremltools' configuration for k-means palettization."""
    import coremltools.optimize.coreml as cto

    options: dict[str, Any] = {"granularity": "per_grouped_channel", "group_size": group} if group else {}
    return cto.OpPalettizerConfig(
        mode="custom", lut_function=table_maker(bits), weight_threshold=WEIGHT_THRESHOLD, **options
    )


@recipe(r"palettize-(\d)bit(?:-grouped(\d+))?")
def palettize(match: re.Match[str]) -> Pass:
    """A table of 2^N values per tensor or per group of output channels."""
    import coremltools.optimize.coreml as cto

    each = palettizer(int(match[1]), group=int(match[2]) if match[2] else None)
    return lambda model: cto.palettize_weights(model, _configuration(each))


def palettize_mixed(model: Any, bits: Mapping[str, int], *, where: str) -> Any:
    """Palettize each constant with its own number of bits; constants that are not named stay as they are.

    Args:
        model: a coremltools model.
        bits: by dotted parameter name.
    """
    from sdqa import compat

    compat.prepare_coremltools()
    import coremltools.optimize.coreml as cto

    require_finite(model, where=where)
    wanted = {constant_name(name): width for name, width in bits.items()}
    operations = model._mil_program.functions["main"].operations
    by_name = {
        operation.name: palettizer(wanted[plain_name(operation.outputs[0].name)])
        for operation in operations
        if operation.op_type == "const" and plain_name(operation.outputs[0].name) in wanted
    }
    if len(by_name) != len(wanted):
        raise ConversionError(f"{len(wanted) - len(by_name)} weights to palettize are not in the program", where=where)
    with compat.quiet_coremltools():
        return cto.palettize_weights(model, _configuration(None, by_name))


@recipe(r"linear-int8(-per-tensor)?")
def linear(match: re.Match[str]) -> Pass:
    """Symmetric int8."""
    import coremltools.optimize.coreml as cto

    each = cto.OpLinearQuantizerConfig(
        mode="linear_symmetric",
        dtype="int8",
        granularity="per_tensor" if match[1] else "per_channel",
        weight_threshold=WEIGHT_THRESHOLD,
    )
    return lambda model: cto.linear_quantize_weights(model, _configuration(each))


@recipe(r"blockwise-int4(?:-block(\d+))?")
def blockwise(match: re.Match[str]) -> Pass:
    """Symmetric int4 with a scale for every block of input channels."""
    import coremltools.optimize.coreml as cto

    each = cto.OpLinearQuantizerConfig(
        mode="linear_symmetric",
        dtype="int4",
        granularity="per_block",
        block_size=int(match[1] or INT4_BLOCK),
        weight_threshold=WEIGHT_THRESHOLD,
    )
    return lambda model: cto.linear_quantize_weights(model, _configuration(each))


@recipe(r"prune-(\d+)")
def prune(match: re.Match[str]) -> Pass:
    """The smallest weights of each tensor become zero."""
    import coremltools.optimize.coreml as cto

    each = cto.OpMagnitudePrunerConfig(target_sparsity=int(match[1]) / 100, weight_threshold=WEIGHT_THRESHOLD)
    return lambda model: cto.prune_weights(model, _configuration(each))
