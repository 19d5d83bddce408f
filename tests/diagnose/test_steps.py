"""Steps: whether the teacher has converged, and what a candidate that is the teacher adds to that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sdqa.diagnose.evidence import ExaminedCase
from sdqa.diagnose.harness import Harness
from sdqa.diagnose.steps import leaves_a_step, steps
from sdqa.generate.pipeline import Glue
from tests.diagnose.conftest import Laboratory, case

SHORT = case("portrait/17", 1, steps=2, scheduler="ddim")


def harness(laboratory: Laboratory, **rest: object) -> Harness:
    return Harness(laboratory.evidence({}, references=False, cases=(SHORT,), store=None, steps=(1, 2, 8), **rest))


def test_a_teacher_is_compared_with_itself_at_the_most_steps(laboratory: Laboratory) -> None:
    said: list[str] = []
    found = steps(harness(laboratory), progress=said.append)
    assert [point.steps for point in found.teacher] == [2, 8], "one step at strength 0.7 draws nothing"
    assert found.teacher[-1].error == 0
    assert found.teacher[0].error > found.teacher[-1].error
    assert found.used == 2
    assert said[-1] == "steps: 8"


@pytest.mark.parametrize(("strength", "count", "leaves"), [(0.7, 1, False), (0.7, 2, True), (0.1, 5, False)])
def test_too_few_steps_for_the_strength_are_left_out(strength: float, count: int, leaves: bool) -> None:
    one = case("portrait/17", 1, strength=strength)
    assert leaves_a_step(one, count) is leaves
    without = ExaminedCase("text", replace(one.request, source=None))
    assert leaves_a_step(without, 1)


def test_a_candidate_that_is_the_teacher_adds_nothing_at_any_number(laboratory: Laboratory) -> None:
    found = steps(harness(laboratory))
    assert [point.error for point in found.candidate] == [0] * len(found.candidate)
    assert not found.compounds


def test_wrong_settings_show_at_every_number_of_steps(laboratory: Laboratory) -> None:
    found = steps(harness(laboratory, glue=Glue(decode_scaling_factor=1.0)))
    assert all(point.error > 0.01 for point in found.candidate)
