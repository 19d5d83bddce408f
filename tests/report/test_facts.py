"""Facts of a record as rows."""

from __future__ import annotations

from sdqa.bundle import CaseInputs, SampleFacts
from sdqa.report.facts import facts_of


def test_what_is_empty_makes_no_row_and_inner_records_are_named_after_the_outer() -> None:
    facts = SampleFacts(timesteps=(9.0, 1.0), nonfinite={"unet": 3})
    assert facts_of(facts) == (("timesteps", "9.0, 1.0"), ("nonfinite.unet", "3"))
    assert facts_of(facts, {"timesteps"}) == (("nonfinite.unet", "3"),)
    assert facts_of(CaseInputs(prompt="", steps=4)) == (("steps", "4"),)
