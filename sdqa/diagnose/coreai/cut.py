"""Copies of an asset whose inner values come from outside, or are given out, and their execution by Core AI."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sdqa.convert.coreai.build import save
from sdqa.convert.coreai.contents import FUNCTION, graphs_of, read_contents
from sdqa.diagnose.coreai.program import Position
from sdqa.errors import ExecutionError

Array = npt.NDArray[Any]


def cut(asset: Path, take: Mapping[str, Position], give: Mapping[str, Position], destination: Path) -> Path:
    """A copy of an asset with other borders.

    Args:
        take: new inputs by name: everything that uses the value takes the input instead.
        give: new outputs by name: the values as they are computed; the program's own outputs come first.
        destination: where the copy goes, an `.aimodel`.

    Raises:
        ExecutionError: the program with these borders is not a valid one.
    """
    from coreai._compiler.ir import (
        ArrayAttr,
        DictAttr,
        FunctionType,
        InsertionPoint,
        MLIRError,
        Operation,
        StringAttr,
        TypeAttr,
    )

    program = read_contents(asset).program
    graph = graphs_of(program)[FUNCTION]
    block = graph.regions[0].blocks[0]
    operations = [each.operation for each in block.operations]
    given = [operations[place.operation].results[place.result] for place in give.values()]

    def named(attribute: str, more: Sequence[str]) -> Any:
        known = list(ArrayAttr(graph.attributes[attribute]))
        return ArrayAttr.get([*known, *(DictAttr.get({"coreai.name": StringAttr.get(name)}) for name in more)])

    try:
        with graph.context, graph.location:
            for place in take.values():
                value = operations[place.operation].results[place.result]
                value.replace_all_uses_with(block.add_argument(value.type, graph.location))
            last = operations[-1]
            results = [*last.operands, *given]
            with InsertionPoint(last):
                Operation.create("coreai.output", operands=results)
            last.erase()
            inputs = [argument.type for argument in block.arguments]
            graph.attributes["function_type"] = TypeAttr.get(FunctionType.get(inputs, [one.type for one in results]))
            graph.attributes["arg_attrs"] = named("arg_attrs", list(take))
            graph.attributes["res_attrs"] = named("res_attrs", list(give))
        destination.parent.mkdir(parents=True, exist_ok=True)
        save(program, destination)
    except (MLIRError, RuntimeError, ValueError, TypeError) as error:
        raise ExecutionError(f"the asset cannot be cut: {type(error).__name__}: {error}", where=asset.name) from error
    return destination


def execute(asset: Path, calls: Sequence[Mapping[str, Array]]) -> list[dict[str, Array]]:
    """All outputs of each call, by Core AI in this process.

    Raises:
        ExecutionError: Core AI refuses.
    """
    try:
        return asyncio.run(_execute(asset, calls))
    except (RuntimeError, ValueError, TypeError, KeyError, OSError) as error:
        raise ExecutionError(f"Core AI failed: {type(error).__name__}: {error}", where=asset.name) from error


async def _execute(asset: Path, calls: Sequence[Mapping[str, Array]]) -> list[dict[str, Array]]:
    from coreai.authoring import AIModelAsset
    from coreai.runtime import NDArray

    found = []
    async with AIModelAsset.load(asset).executable() as model:
        function = model.load_function(FUNCTION)
        described = function.desc
        dtypes = {name: np.dtype(described.input_descriptor(name).dtype) for name in described.input_names}
        for call in calls:
            with np.errstate(over="ignore"):
                inputs = {name: NDArray(np.ascontiguousarray(call[name], dtype)) for name, dtype in dtypes.items()}
            found.append({name: np.array(value.numpy()) for name, value in (await function(inputs)).items()})
    return found
