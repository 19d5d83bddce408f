"""FLIP's maps: of failing cases, as their package computes them, and words where there is none."""

from __future__ import annotations

import sys
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from sdqa.bundle import Bundle, Run
from sdqa.faults.yardstick import error_map
from sdqa.report import flip
from sdqa.report.cases import CaseCard, case_cards
from sdqa.report.checks import check_rows
from sdqa.report.pictures import Album

LANE = "tiny/palette2/reference/cpu"
CASE = "portrait-grey-hair"

pytest.importorskip("flip_evaluator")


@pytest.fixture(scope="module")
def cards(run: Run) -> tuple[CaseCard, ...]:
    return case_cards(run, check_rows(run))


def test_a_map_is_what_its_package_says(bundle: Bundle, run: Run, cards: tuple[CaseCard, ...]) -> None:
    found = flip.flips_of(cards, Album(bundle))
    failing = {(lane.id, v.case) for lane in run.lanes for v in lane.verdicts if v.case and v.status == "fail"}
    assert found.maps
    assert found.maps.keys() <= failing
    samples = {(lane.id, one.case): one for lane in run.lanes for one in lane.samples}
    images = [bundle.read_blob(samples[LANE, CASE].images[kind]) for kind in ("golden", "candidate")]
    pair = [np.asarray(Image.open(BytesIO(one)).convert("RGB"), dtype=np.float32) / np.float32(255) for one in images]
    expected, one = error_map(*pair), found.maps[LANE, CASE]
    assert (one.mean, one.largest) == pytest.approx((float(expected.mean()), float(expected.max())), abs=1e-6)
    grey = np.asarray(Image.open(BytesIO(one.data)).convert("L"), dtype=np.float32) / 255
    assert float(np.abs(grey - expected).mean()) < 0.01


def test_only_the_worst_have_one(bundle: Bundle, cards: tuple[CaseCard, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flip, "MAX_PIXELS", 2 * 64 * 64 + 1)
    found = flip.flips_of(cards, Album(bundle))
    assert len(found.maps) == 2
    assert "worst failing cases only" in found.absent


def test_without_its_package_there_are_words(
    bundle: Bundle, cards: tuple[CaseCard, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    flip._map.cache_clear()
    monkeypatch.setitem(sys.modules, "flip_evaluator", None)
    found = flip.flips_of(cards, Album(bundle))
    assert not found.maps
    assert "pip install 'sdqa[yardstick]'" in found.absent
