"""Facts keep the shape in which they were written."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from sdqa.bundle import CaseInputs, PackageFacts, SampleFacts
from sdqa.bundle.facts import ComputePlan, PlacementFinding, PlacementLint
from sdqa.plan import Case


def test_compute_plans_are_written_by_number_and_read_in_their_order() -> None:
    data = {f"compute_plan_{number}": {"untold": number} for number in (10, 2, 1)}
    facts = PackageFacts.model_validate(data)
    assert [plan.untold for plan in facts.compute_plans] == [1, 2, 10]
    assert facts.to_json() == {f"compute_plan_{i}": {"untold": plan} for i, plan in enumerate((1, 2, 10), 1)}
    assert PackageFacts(compute_plans=(ComputePlan(untold=3),)).to_json() == {"compute_plan_1": {"untold": 3}}


@pytest.mark.parametrize("plan", [3, {"untold": "many"}, {"shares": {"cpu": None}}])
def test_a_compute_plan_that_is_none_is_refused(plan: object) -> None:
    with pytest.raises(ValidationError, match=r"compute_plans\.0"):
        PackageFacts.model_validate({"compute_plan_1": plan})


def test_nothing_is_written_that_nobody_said() -> None:
    assert PackageFacts().to_json() == {}
    assert SampleFacts(nonfinite={"unet": 0}).to_json() == {"nonfinite": {"unet": 0}}


def test_what_another_version_says_is_kept() -> None:
    data = {"average_bits": "NaN", "sparsity": {"unet": [0.5, "Infinity"]}, "compute_plan_x": 1}
    assert PackageFacts.model_validate(data).to_json() == data


def test_inner_facts_can_be_left_out() -> None:
    lint = PlacementLint(leaving_share=0.1, findings=(PlacementFinding(rule="rank", severity="leaves"),))
    facts = PackageFacts(bit_widths={"16": 1}, neural_engine=lint)
    assert facts.to_json({"bit_widths": True, "neural_engine": {"findings"}}) == {
        "neural_engine": {"leaving_share": 0.1}
    }


def test_a_case_is_recorded_with_every_setting_that_a_suite_can_make() -> None:
    assert set(CaseInputs.model_fields) == set(Case.model_fields)
    planned = Case(prompt="p", source="scene:portrait/1", models=("tiny",)).model_dump(mode="json")
    assert CaseInputs.model_validate(planned).to_json() == planned
