"""Facts of a record as rows."""

from __future__ import annotations

from sdqa.bundle import CaseInputs, Film, FilmFrame, SampleFacts
from sdqa.report.facts import facts_of


def test_what_is_empty_makes_no_row_and_inner_records_are_named_after_the_outer() -> None:
    facts = SampleFacts(timesteps=(9.0, 1.0), nonfinite={"unet": 3})
    assert facts_of(facts) == (("timesteps", "9.0, 1.0"), ("nonfinite.unet", "3"))
    assert facts_of(facts, {"timesteps"}) == (("nonfinite.unet", "3"),)
    assert facts_of(CaseInputs(prompt="", steps=4)) == (("steps", "4"),)


def test_a_film_is_drawn_and_makes_no_row() -> None:
    film = Film(total=1, frames=(FilmFrame(step=1),), colours="fitted")
    assert facts_of(SampleFacts(timesteps=(9.0,), film=film)) == (("timesteps", "9.0"),)
