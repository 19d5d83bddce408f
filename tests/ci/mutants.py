"""Modules with one condition taken away: what no test notices, nothing holds."""

from __future__ import annotations

import ast
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any


class Disable(ast.NodeTransformer):
    """Takes the n-th condition away: a guard that never holds, a filter that lets everything through."""

    def __init__(self, chosen: int) -> None:
        self.chosen, self.seen, self.what = chosen, -1, ""

    def _is_chosen(self, node: ast.expr) -> bool:
        self.seen += 1
        if self.seen == self.chosen:
            self.what = f"line {node.lineno}: if {ast.unparse(node)}"
        return self.seen == self.chosen

    def visit_If(self, node: ast.If) -> Any:
        self.generic_visit(node)
        if self._is_chosen(node.test):
            node.test = ast.copy_location(ast.Constant(False), node.test)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        self.generic_visit(node)
        if self._is_chosen(node.test):
            node.test = ast.copy_location(ast.Constant(False), node.test)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> Any:
        self.generic_visit(node)
        for place, test in enumerate(node.ifs):
            if self._is_chosen(test):
                node.ifs[place] = ast.copy_location(ast.Constant(True), test)
        return node


def mutants(module: types.ModuleType) -> Iterator[tuple[str, types.ModuleType]]:
    """A module with one condition less, for each of its conditions."""
    assert module.__file__ is not None
    with open(module.__file__, encoding="utf-8") as stream:
        source = stream.read()
    number = 0
    while True:
        disable = Disable(number)
        tree = ast.fix_missing_locations(disable.visit(ast.parse(source)))
        if not disable.what:
            return
        made = types.ModuleType(module.__name__)
        made.__dict__.update(__file__=module.__file__, __package__=module.__package__)
        exec(compile(tree, module.__file__, "exec"), made.__dict__)
        yield disable.what, made
        number += 1


Scenario = Callable[[types.ModuleType], object]


def unnoticed(module: types.ModuleType, scenarios: Iterable[Scenario]) -> list[str]:
    """Conditions whose loss changes what comes of no scenario.

    Args:
        scenarios: each uses the module that it is given, original or mutant, and returns or raises something.
    """
    wanted = [(scenario, _outcome(scenario, module)) for scenario in scenarios]
    found = []
    for what, mutant in mutants(module):
        if all(_outcome(scenario, mutant) == honest for scenario, honest in wanted):
            found.append(what.partition(": ")[2])
    return found


def held(module: types.ModuleType, scenarios: Iterable[Scenario]) -> None:
    """Each of a module's conditions is held by a scenario."""
    kept = dict(vars(module))
    try:
        found = [one for one in unnoticed(module, scenarios) if one != "if TYPE_CHECKING"]
        assert not found, "\n".join(found)
    finally:
        vars(module).update(kept)


def _outcome(scenario: Scenario, module: types.ModuleType) -> str:
    try:
        return repr(scenario(module))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
