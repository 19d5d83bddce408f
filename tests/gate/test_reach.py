"""A limit that nothing can be worse than guards nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sdqa.gate.reach import Worst, held, within_reach
from sdqa.gate.tolerances import Tolerance, Tolerances
from sdqa.metrics import METRICS
from sdqa.metrics.psnr import RUINED, signal_to_noise
from sdqa.workflow.gate import load_tolerances, worst_figures

GOLDENS = Path(__file__).parents[2] / "goldens"
FILES = sorted(GOLDENS.glob("*/tolerances.json"))


def psnr(tolerances: Tolerances, **limits: float) -> Tolerance:
    return tolerances.variants["fp16"]["psnr"].model_copy(update=limits)


def test_there_is_something_to_hold() -> None:
    assert FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_every_limit_as_loaded_and_used_can_be_reached(path: Path) -> None:
    worst = worst_figures()
    clipped = 0
    for table in load_tolerances(path).variants.values():
        for tolerance in table.values():
            clipped += bool(tolerance.note)
            if tolerance.metric not in worst:
                continue
            known = worst[tolerance.metric]
            end = known.value if tolerance.of == "value" else known.difference
            for limit in (tolerance.limit, tolerance.case_limit, tolerance.severe):
                assert limit == end or tolerance.worse_than(end, limit), (tolerance.metric, limit, end)
    assert clipped, "the recorded file has severe limits below 0 dB"
    assert Tolerances.load(path).digest() != load_tolerances(path).digest()


def test_the_recorded_file_is_read_as_it_was_recorded() -> None:
    recorded = Tolerances.load(FILES[0])
    assert recorded.variants["fp16"]["tile_psnr"].severe < 0
    assert not any(one.note for table in recorded.variants.values() for one in table.values())


@pytest.mark.parametrize("level", [0, 100, 127, 128, 200, 255])
def test_no_golden_is_safe_from_a_ruined_picture(level: int) -> None:
    golden = np.full((8, 8, 3), level, np.uint8)
    ruined = np.where(golden < 128, 255, 0).astype(np.uint8)
    assert signal_to_noise(golden, ruined, peak=255) < RUINED


def test_a_severe_limit_below_zero_decibels_is_held_and_says_so(tolerances: Tolerances) -> None:
    found = held(psnr(tolerances, limit=30.0, case_limit=20.0, severe=-34.2), worst_figures()["psnr"])
    assert (found.limit, found.case_limit, found.severe) == (30.0, 20.0, RUINED)
    assert found.worse_than(5.98, found.severe)
    assert "severe -34.2 dB: nothing can be worse than 6 dB" in found.explain()


def test_what_can_be_reached_is_left_alone(tolerances: Tolerances) -> None:
    found = within_reach(tolerances, worst_figures())
    assert found == tolerances
    assert found.digest() == tolerances.digest()


def test_differences_and_losses_have_ends_too(tolerances: Tolerances) -> None:
    score = Worst.of("higher", (-1.0, 1.0))
    assert (score.value, score.difference) == (-1.0, -2.0)
    loss = Worst.of("lower", (0.0, 1.0))
    assert (loss.value, loss.difference) == (1.0, 1.0)
    falling = psnr(tolerances, limit=-0.1, case_limit=-0.2, severe=-2.5).model_copy(update={"of": "difference"})
    assert held(falling, score).severe == -2.0
    assert held(psnr(tolerances, severe=-1e9), Worst.of("higher", (-np.inf, np.inf))).note == ""


def test_an_attainable_figure_is_a_valid_one() -> None:
    for metric in METRICS.values():
        if metric.attainable is not None:
            assert metric.valid[0] <= metric.attainable <= metric.valid[1]
