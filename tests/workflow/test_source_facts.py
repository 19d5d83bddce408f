"""What was done to a source picture is in the sample's record and on the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from sdqa.bundle import CaseInputs, Sample, SampleFacts
from sdqa.plan import Case
from sdqa.plan.describe import planned_case
from sdqa.report.cases import case_cards
from sdqa.workflow.record import _source_facts
from tests.builders import lane_record, run_record

REMARKS = ("has transparency: composited on white", "of 16×16 is enlarged to 32×32")


def glass(folder: Path) -> Case:
    whole = np.zeros((16, 16, 4), np.uint8)
    whole[:, 8:] = (10, 20, 30, 255)
    Image.fromarray(whole).save(folder / "glass.png")
    return Case(prompt="p", source="file:glass.png")


def test_a_sample_records_it_at_the_models_size(tmp_path: Path) -> None:
    golden = np.zeros((32, 32, 3), np.uint8)
    case = glass(tmp_path)
    assert _source_facts(case, golden, tmp_path) == {"source_remarks": REMARKS}
    assert _source_facts(case, None, tmp_path) == {}
    (tmp_path / "glass.png").unlink()
    assert _source_facts(case, golden, tmp_path) == {}, "whoever compares it with the golden says that it is gone"


def test_a_record_without_it_is_what_it_was(tmp_path: Path) -> None:
    assert "background" not in planned_case(glass(tmp_path)).to_json()
    assert planned_case(Case(prompt="p", background="black")).background == "black"
    assert SampleFacts(timesteps=(1.0,)).to_json() == {"timesteps": [1.0]}


def test_the_page_shows_it_once_beside_the_cases_settings() -> None:
    samples = tuple(Sample(case="c", facts=SampleFacts(source_remarks=REMARKS)) for _ in range(2))
    lanes = [lane_record(name, samples=(sample,)) for name, sample in zip("ab", samples, strict=True)]
    run = run_record(*lanes, cases={"c": CaseInputs(prompt="p")})
    [card] = case_cards(run, ())
    assert card.settings == (("source picture", "; ".join(REMARKS)),)
    assert [lane.facts for lane in card.lanes] == [(), ()]
