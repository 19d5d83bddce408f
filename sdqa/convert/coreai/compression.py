"""The recipes that Core AI's own optimiser has a form of; the others are refused by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sdqa.convert.compression import INT4_BLOCK, WEIGHT_THRESHOLD
from sdqa.errors import ConversionError
from sdqa.plan.recipes import BLOCKWISE, GROUPED, LINEAR, LINEAR_PER_TENSOR, PALETTIZE, PRUNE, recipe_name

Pass = Callable[[Any, Any, "re.Match[str]"], Any]


def _palettize(utils: Any, program: Any, match: re.Match[str], **more: Any) -> Any:
    return utils.palettize_weights(
        program,
        None,
        n_bits=int(match[1]),
        weight_num_threshold=WEIGHT_THRESHOLD,
        num_kmeans_workers=1,
        enable_fast_kmeans_mode=False,  # it would round weights to four decimals first
        **more,
    )


def _palettize_grouped(utils: Any, program: Any, match: re.Match[str]) -> Any:
    granularity = utils.CompressionGranularity.PER_GROUPED_CHANNEL
    return _palettize(utils, program, match, granularity=granularity, group_size=int(match[2]))


def _linear(utils: Any, program: Any, granularity: Any, dtype: Any, **more: Any) -> Any:
    return utils.quantize_weights(
        program, dtype, granularity=granularity, weight_num_threshold=WEIGHT_THRESHOLD, **more
    )


def _blockwise(utils: Any, program: Any, match: re.Match[str]) -> Any:
    size = int(match[1] or INT4_BLOCK)
    return _linear(utils, program, utils.CompressionGranularity.PER_BLOCK, utils.DType.INT4, block_size=size)


def _prune(utils: Any, program: Any, match: re.Match[str]) -> Any:
    return utils.sparsify_weights(program, target_sparsity=int(match[1]) / 100, weight_num_threshold=WEIGHT_THRESHOLD)


PASSES: Mapping[str, Pass] = {
    PALETTIZE.form: _palettize,
    GROUPED.form: _palettize_grouped,
    LINEAR.form: lambda utils, program, _: _linear(
        utils, program, utils.CompressionGranularity.PER_CHANNEL, utils.DType.INT8
    ),
    LINEAR_PER_TENSOR.form: lambda utils, program, _: _linear(
        utils, program, utils.CompressionGranularity.PER_TENSOR, utils.DType.INT8
    ),
    BLOCKWISE.form: _blockwise,
    PRUNE.form: _prune,
}
"""By the form of the recipes' names."""


def compress_program(program: Any, name: str, *, where: str) -> Any:
    """A compressed copy of a Core AI program. A weight that a block size does not divide stays as it is.

    Raises:
        ConversionError: the recipe has no form here, or the optimiser refuses.
    """
    found = recipe_name(name)
    if found is None or found[0].form not in PASSES:
        raise ConversionError(
            f"{name} is not available for .aimodel", where=where, hint=f"available: {', '.join(PASSES)}"
        )
    import coreai_opt.coreai_utils as utils

    try:
        return PASSES[found[0].form](utils, program, found[1])
    except (RuntimeError, ValueError, TypeError, AssertionError, ImportError, OSError) as error:
        raise ConversionError(f"{name} failed: {type(error).__name__}: {error}", where=where) from error
