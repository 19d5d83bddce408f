"""A figure that passes and is near its limit gets a note, and no other status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from sdqa.bundle import Lane, Measurement, Verdict
from sdqa.gate import judge
from sdqa.gate.closeness import CLOSE, noted, room_used
from sdqa.gate.evidence import NoBudgets
from sdqa.gate.tolerances import Tolerances


def test_the_room_is_between_what_is_normal_and_the_limit(tolerances: Tolerances) -> None:
    lpips, psnr = (tolerances.variants["fp16"][name] for name in ("lpips", "psnr"))
    normal = psnr.model_copy(update={"harmless": psnr.harmless.model_copy(update={"mean": 60.0})})
    assert room_used(lpips, 0.009, 0.01) == pytest.approx(0.9)
    assert room_used(normal, 52.0, 50.0) == pytest.approx(0.8)
    assert room_used(normal, 65.0, 50.0) == pytest.approx(-0.5)


def test_a_limit_stated_by_hand_has_no_room(tolerances: Tolerances) -> None:
    lpips = tolerances.variants["fp16"]["lpips"]
    stated = lpips.model_copy(update={"harmless": lpips.harmless.model_copy(update={"n": 0, "mean": 0.01})})
    assert room_used(stated, 0.009, 0.01) is None
    assert room_used(lpips, float("nan"), 0.01) is None


@pytest.mark.parametrize(("lpips", "close"), [(0.007, False), (0.0081, True), (0.0099, True)])
def test_the_mean_is_noted_and_passes(
    make_lane: Callable[..., Lane], tolerances: Tolerances, lpips: float, close: bool
) -> None:
    lane = make_lane({"finite": [1.0] * 4, "shape": [1.0] * 4, "lpips": [lpips] * 4})
    (found,) = (v for v in judge(lane, tolerances) if v.check.endswith("all/lpips"))
    assert found.status == "pass"
    assert (found.room_used is not None) is close
    assert ("of the room to the limit is used" in found.reason) is close


def test_what_does_not_pass_gets_no_note() -> None:
    failed = Verdict(check="a", metric="lpips", status="fail")
    assert noted(failed, 3.0) == failed
    passed = failed.model_copy(update={"status": "pass"})
    assert noted(passed, CLOSE) == passed
    assert noted(passed, 0.81).status == "pass"


def test_a_budget_that_is_nearly_used_is_noted(make_lane: Callable[..., Lane]) -> None:
    @dataclass(frozen=True)
    class Budgets(NoBudgets):
        model_memory_bytes: int | None = 100

    for used, close in ((70.0, False), (90.0, True)):
        lane = make_lane({}, measurements=(Measurement(metric="model_memory_bytes", value=used, unit="B"),))
        (found,) = (v for v in judge(lane, None, Budgets()) if v.metric == "model_memory_bytes")
        assert found.status == "pass"
        assert (found.room_used == pytest.approx(0.9)) is close


def test_a_verdict_without_a_note_is_written_as_it_always_was() -> None:
    assert "room_used" not in Verdict(check="a", metric="m", status="pass").to_json()
