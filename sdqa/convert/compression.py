"""Compression recipes: an uncompressed package in memory to a compressed one, checked before and inventoried after."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sdqa.convert.clusters import table_maker
from sdqa.convert.sidecar import constant_name, plain_name
from sdqa.errors import ConversionError
from sdqa.plan.recipes import (
    BLOCKWISE,
    GROUPED,
    LINEAR,
    LINEAR_PER_TENSOR,
    PALETTIZE,
    PRUNE,
    RECIPES,
    RecipeName,
    Target,
    declare,
    recipe_name,
)
from sdqa.plugins import plugin_code

if TYPE_CHECKING:
    from sdqa.models import Teacher

WEIGHT_THRESHOLD = 2048
"""Tensors with fewer elements stay as they are: they save nothing and norms and biases are sensitive."""
INT4_BLOCK = 32

Pass = Callable[[Any], Any]
"""Of a coremltools model, to a compressed one."""


@dataclass(frozen=True)
class Recipe:
    """One registered recipe."""

    name: RecipeName
    make: Callable[..., Pass]  # of the name's match; of the teacher and the component too where it measures
    measures: bool  # needs the teacher: what it does depends on more than the weights
    code: str  # digest of the plugin that it comes from


COMPRESSION: dict[str, Recipe] = {}
"""By the form of their names."""


def recipe(
    form: str, *, pattern: str | None = None, target: Target = "iOS16", measures: bool = False
) -> Callable[[Callable[..., Pass]], Callable[..., Pass]]:
    """Register what makes the compression pass of a recipe.

    Args:
        form: how it is written in a suite: a name, or a form that `pattern` spells out.
        pattern: a regular expression whose groups are parameters; the form itself when None.
        target: the earliest target whose operations it can be stored in.
        measures: whether it is called with the teacher and the component's name besides the match.
    """

    def register(make: Callable[..., Pass]) -> Callable[..., Pass]:
        if form in COMPRESSION:
            raise ValueError(f"the recipe {form!r} is registered twice")
        code = plugin_code(make)
        own = form in RECIPES and not code  # a plugin may not implement, or replace, a name of sdqa's
        name = RECIPES[form] if own else declare(form, pattern or re.escape(form), target)
        COMPRESSION[form] = Recipe(name, make, measures, code)
        return make

    return register


def find_recipe(name: str, *, where: str) -> tuple[Recipe, re.Match[str]]:
    """A recipe and the parameters in its name.

    Raises:
        ConversionError: there is no such recipe.
    """
    found = recipe_name(name)
    if found is None or found[0].form not in COMPRESSION:
        raise ConversionError(f"{name!r} is not a recipe", where=where, hint=f"recipes: {', '.join(COMPRESSION)}")
    return COMPRESSION[found[0].form], found[1]


def compress_model(model: Any, name: str, *, where: str, teacher: Teacher | None = None, component: str = "") -> Any:
    """Apply a recipe to a coremltools model.

    Args:
        teacher, component: what the model was converted from, for recipes that measure.

    Raises:
        ConversionError: a weight is not finite (a table would be spoilt by it), the recipe needs a teacher and there is
            none, or coremltools refuses.
    """
    from sdqa import compat

    compat.prepare_coremltools()
    chosen, match = find_recipe(name, where=where)
    require_finite(model, where=where)
    if chosen.measures and teacher is None:
        raise ConversionError(f"{name} measures with the teacher, and there is none", where=where)
    with compat.quiet_coremltools():
        try:
            apply = chosen.make(match, teacher, component) if chosen.measures else chosen.make(match)
            return apply(model)
        except (ValueError, RuntimeError, TypeError, AssertionError, NotImplementedError) as error:
            raise ConversionError(f"{name} failed: {type(error).__name__}: {error}", where=where) from error


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


@recipe(PALETTIZE.form)
def palettize(match: re.Match[str]) -> Pass:
    """A table of 2^N values per tensor."""
    import coremltools.optimize.coreml as cto

    each = palettizer(int(match[1]))
    return lambda model: cto.palettize_weights(model, _configuration(each))


@recipe(GROUPED.form)
def palettize_grouped(match: re.Match[str]) -> Pass:
    """A table of 2^N values per group of output channels."""
    import coremltools.optimize.coreml as cto

    each = palettizer(int(match[1]), group=int(match[2]))
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


@recipe(LINEAR.form)
def linear(_: re.Match[str]) -> Pass:
    """Symmetric int8 with a scale per output channel."""
    return _linear("per_channel")


@recipe(LINEAR_PER_TENSOR.form)
def linear_per_tensor(_: re.Match[str]) -> Pass:
    """Symmetric int8 with one scale per tensor."""
    return _linear("per_tensor")


def _linear(granularity: str) -> Pass:
    import coremltools.optimize.coreml as cto

    each = cto.OpLinearQuantizerConfig(
        mode="linear_symmetric", dtype="int8", granularity=granularity, weight_threshold=WEIGHT_THRESHOLD
    )
    return lambda model: cto.linear_quantize_weights(model, _configuration(each))


@recipe(BLOCKWISE.form)
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


@recipe(PRUNE.form)
def prune(match: re.Match[str]) -> Pass:
    """The smallest weights of each tensor become zero."""
    import coremltools.optimize.coreml as cto

    each = cto.OpMagnitudePrunerConfig(target_sparsity=int(match[1]) / 100, weight_threshold=WEIGHT_THRESHOLD)
    return lambda model: cto.prune_weights(model, _configuration(each))
