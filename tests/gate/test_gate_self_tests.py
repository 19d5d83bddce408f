"""Statistical traps, by name; those of single verdicts are in `test_judge.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sdqa.bundle import Lane
from sdqa.errors import UsageError
from sdqa.gate import Tolerances, judge, plan_checks, verdict
from sdqa.gate.tolerances import Tolerance

MakeLane = Callable[..., Lane]
SIGMA, LOSS, PAIRED = 0.094, 0.0111, 0.99
"""Spread of CLIP-directional scores over cases, the loss to notice, and the correlation of pairs."""


def caught(make_lane: MakeLane, tolerances: Tolerances, correlation: float, cases: int = 12) -> float:
    """Share of runs in which a loss of twice the limit is noticed."""
    table: dict[str, Tolerance] = tolerances.variants["fp16"]
    own = table["clip_score"].model_copy(update={"limit": -LOSS / 2, "case_limit": -1.0, "severe": -2.0})
    limits = tolerances.model_copy(update={"variants": {"fp16": {"clip_score": own}}})
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(200):
        common, alone = rng.normal(size=cases), rng.normal(size=cases)
        golden = 0.5 + SIGMA * common
        value = 0.5 + SIGMA * (correlation * common + np.sqrt(1 - correlation**2) * alone) - LOSS
        lane = make_lane({"clip_score": value.tolist()})
        paired = [m.model_copy(update={"golden": g}) for m, g in zip(lane.measurements, golden, strict=True)]
        lane = lane.model_copy(update={"measurements": tuple(paired)})
        found += verdict("tiny/fp16/all/clip_score", lane, limits).status != "pass"
    return found / 200


def test_trap_unpaired_scores_need_a_thousand_images(make_lane: MakeLane, tolerances: Tolerances) -> None:
    assert caught(make_lane, tolerances, PAIRED) > 0.95
    from sdqa.gate.statistics import smallest_shift

    rng = np.random.default_rng(0)
    paired = SIGMA * np.sqrt(2 * (1 - PAIRED)) * rng.normal(size=12)
    unpaired = SIGMA * np.sqrt(2) * rng.normal(size=12)
    assert smallest_shift(0.0, (paired - paired.mean()).tolist()) < LOSS
    assert smallest_shift(0.0, (unpaired - unpaired.mean()).tolist()) > 4 * LOSS


def test_trap_a_skipped_lane_is_green(make_lane: MakeLane, tolerances: Tolerances) -> None:
    lane = make_lane({}, status="skipped", reason="no Mac")
    found = judge(lane, tolerances, planned=plan_checks(lane.id, {"case-0": ["finite", "psnr"]}))
    assert found
    assert all(v.status == "not measured" for v in found)


def test_trap_thresholds_ratchet(tmp_path: Path, tolerances: Tolerances) -> None:
    path = tmp_path / "tolerances.json"
    tolerances.save(path, "")
    relaxed = tolerances.variants["fp16"]["clip_score"].model_copy(update={"limit": -0.1})
    table = {**tolerances.variants["fp16"], "clip_score": relaxed}
    changed = tolerances.model_copy(update={"variants": {"fp16": table}})
    with pytest.raises(UsageError):
        changed.save(path, "")
    assert Tolerances.load(path) == tolerances
