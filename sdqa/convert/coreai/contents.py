"""What an asset holds, read back from its file: inputs and outputs, operations, constants.

Core AI's parser can end the process on a malformed program, so this runs in one of its own (`sdqa.convert.isolate`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdqa.convert.contract import Tensor
from sdqa.convert.coreai.constants import CONSTANT, UNPACKING, elements_of
from sdqa.errors import PackageError
from sdqa.runtime.asset import open_asset
from sdqa.runtime.coreai import require_coreai

FUNCTION = "main"
DTYPES = {"f16": "float16", "f32": "float32", "si32": "int32", "i32": "int32"}
"""Core AI's names to the contract's; others stay as they are."""


@dataclass(frozen=True)
class Contents:
    """An asset's program."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    histogram: dict[str, int]
    program: Any


def read_contents(path: Path) -> Contents:
    """Parse an asset.

    Raises:
        RuntimeUnavailable: Core AI is not installed.
        PackageError: it is damaged, or has no function `main`.
    """
    require_coreai()
    opened = open_asset(path)
    from coreai.authoring import AIModelAsset

    try:
        program = AIModelAsset.load(opened.path).program
    except (RuntimeError, ValueError, OSError) as error:
        raise PackageError(f"Core AI cannot read the asset: {error}", where=str(path)) from error
    graph = graphs_of(program).get(FUNCTION)
    if graph is None:
        raise PackageError(f"the asset has no function {FUNCTION!r}", where=str(path))
    operations = list(graph.regions[0].blocks[0].operations)
    names = [str(each["coreai.name"]).strip('"') for each in graph.opview.arg_attrs]
    given = [str(each["coreai.name"]).strip('"') for each in graph.attributes["res_attrs"]]
    return Contents(
        tuple(map(_tensor, names, graph.regions[0].blocks[0].arguments)),
        tuple(map(_tensor, given, operations[-1].operands)),
        dict(sorted(Counter(kind_of(each) for each in walk(program) if each.name != CONSTANT).items())),
        program,
    )


def walk(program: Any) -> Iterator[Any]:
    """Every operation of every graph, in order."""
    for graph in graphs_of(program).values():
        for operation in graph.regions[0].blocks[0].operations:
            yield operation.operation


def graphs_of(program: Any) -> dict[str, Any]:
    """The program's graphs by name: its functions, and those that they invoke."""
    graphs = (each.operation for each in program._module._mlir_module.body.operations)
    return {str(each.attributes["sym_name"]).strip('"'): each for each in graphs if each.name == "coreai.graph"}


def kind_of(operation: Any) -> str:
    """An operation's type without its dialect."""
    return str(operation.name).removeprefix("coreai.")


def constant_sources(program: Any) -> Iterator[Any]:
    """Constants of more than one element and unpacking operations, but for those that only feed an unpacking one."""
    for operation in walk(program):
        unpacks = kind_of(operation) in UNPACKING
        if (operation.name != CONSTANT and not unpacks) or elements_of(operation.result) <= 1:
            continue
        users = [kind_of(use.owner.operation) for use in operation.result.uses]
        if not users or any(user not in UNPACKING for user in users):
            yield operation


def _tensor(name: str, value: Any) -> Tensor:
    kind = str(value.type.element_type)
    return Tensor(name, tuple(value.type.shape), DTYPES.get(kind, kind))
