"""The functions of a package, and which one is meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sdqa.errors import UsageError
from sdqa.mil import registry
from sdqa.mil.graph import Function
from sdqa.mil.package import Package
from sdqa.mil.parse import Parser
from sdqa.mil.pipeline import is_pipeline, join, stages


def functions_of(package: Package, knows: Callable[[str], bool] = registry.is_known) -> dict[str, Function]:
    """All functions by name; the models of a pipeline are joined to one, called `main`.

    Args:
        knows: whether there is an operation of a name: `registry.is_named` reads a package without torch.

    Raises:
        PackageError: if a program is not well-formed, or a pipeline's models do not fit each other.
        UnsupportedPackage: if it uses what cannot be executed.
    """
    if not is_pipeline(package.model):
        return Parser(package, knows).functions()
    programs = [choose(stage, functions_of(stage, knows)) for stage in stages(package)]
    return {"main": join(package, programs)}


def choose(package: Package, functions: Mapping[str, Function], wanted: str | None = None) -> Function:
    """The function asked for; else the one of the package's address, its default, `main`, or the only one.

    Raises:
        UsageError: if there is no such function, or none is named and there are several.
    """
    name = wanted or package.function or package.model.description.defaultFunctionName
    name = name or ("main" if "main" in functions else "")
    if not name and len(functions) == 1:
        name = next(iter(functions))
    if name not in functions:
        raise UsageError(
            f"there is no function {name!r}" if name else "the package names no default function",
            where=package.name,
            hint=f"its functions are {sorted(functions)}",
        )
    return functions[name]
