"""Every guard of the gate is held by a scenario: with any `if` taken away, some evidence gets another exit code."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

import pytest

from sdqa.bundle import Run
from sdqa.ci import decide, unit
from tests.ci.mutants import mutants
from tests.ci.scenarios import SCENARIOS

#: Conditions that shape what is said, while the exit code follows from something else as well.
WORDS_ONLY = {"if incomplete"}
WORDS_OF_UNITS = {"if failures", "if lane.status != 'ran' and (not lane.failures)"}


@functools.cache
def evidence() -> dict[str, Any]:
    return {name: make() for name, (_, make) in SCENARIOS.items()}


def outcomes(decide: Callable[..., Run]) -> dict[str, tuple[int | str, str]]:
    """What becomes of every scenario: its exit code, and all that is said besides."""
    found: dict[str, tuple[int | str, str]] = {}
    for name, given in evidence().items():
        try:
            run = decide(*given)
        except Exception as error:
            found[name] = (type(error).__name__, "")
        else:
            found[name] = (run.exit_code, run.model_dump_json())
    return found


def surviving(
    module: types.ModuleType, decide_with: Callable[[types.ModuleType], Callable[..., Run]]
) -> tuple[list[str], list[str]]:
    """Conditions whose loss changes no exit code, and those whose loss changes nothing at all."""
    honest = outcomes(decide_with(module))
    codes, words = [], []
    for what, mutant in mutants(module):
        found = outcomes(decide_with(mutant))
        if found == honest:
            words.append(what)
        if all(found[name][0] == code for name, (code, _) in honest.items()):
            codes.append(what)
    return codes, words


def test_every_condition_of_the_decision_is_held_by_a_scenario() -> None:
    codes, words = surviving(decide, lambda module: module.decide)
    assert words == []
    assert {what.partition(": ")[2] for what in codes} == WORDS_ONLY


def test_every_condition_on_a_units_evidence_is_held_by_a_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    def decide_with(module: types.ModuleType) -> Callable[..., Run]:
        for name in ("judged_unit", "whole_units"):
            monkeypatch.setattr(decide, name, getattr(module, name))
        return decide.decide

    codes, words = surviving(unit, decide_with)
    assert words == []
    assert {what.partition(": ")[2] for what in codes} == WORDS_OF_UNITS
