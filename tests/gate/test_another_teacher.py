"""Limits that were measured with another teacher say "recalibrate"; they turn nothing red, and nothing green."""

from __future__ import annotations

import pytest

from sdqa.bundle import Fingerprint, Lane
from sdqa.errors import UsageError
from sdqa.gate import Tolerances, judge
from sdqa.gate.calibrate import calibrate
from sdqa.gate.stated import combined, stated_tolerances
from sdqa.report.headline import headline_of
from tests.builders import run_record
from tests.gate.conftest import MakeLane

OLD, NEW = "a" * 64, "b" * 64
FIGURES = {"psnr": [40.0, 41.0, 40.0], "lpips": [0.03, 0.03, 0.03]}  # beyond the limits of `tolerances`, barely visible
WORDS = "recalibrate: measured with another teacher (aaaaaaaaaaaa → bbbbbbbbbbbb)"


def of_teacher(make_lane: MakeLane, teacher: str, figures: dict[str, list[float]] | None = None, **rest: str) -> Lane:
    return make_lane(figures or FIGURES, fingerprint=Fingerprint(teacher=teacher), **rest)


def statuses(lane: Lane, tolerances: Tolerances) -> dict[str, tuple[str, bool]]:
    return {v.metric: (v.status, v.provisional) for v in judge(lane, tolerances) if "/all/" in v.check}


def test_a_sound_new_checkpoint_is_not_red(make_lane: MakeLane, tolerances: Tolerances) -> None:
    known = tolerances.model_copy(update={"teacher": OLD})
    assert statuses(of_teacher(make_lane, OLD), known) == {"psnr": ("fail", False), "lpips": ("fail", False)}
    lane = of_teacher(make_lane, NEW)
    assert statuses(lane, known) == {"psnr": ("pass", True), "lpips": ("not measured", False)}
    assert all(WORDS in verdict.reason for verdict in judge(lane, known))


def test_what_everybody_would_see_is_red_all_the_same(make_lane: MakeLane, tolerances: Tolerances) -> None:
    known = tolerances.model_copy(update={"teacher": OLD})
    lane = of_teacher(make_lane, NEW, {"psnr": [20.0, 20.0]})
    assert statuses(lane, known) == {"psnr": ("fail", True)}


@pytest.mark.parametrize(("measured", "now"), [("", NEW), (OLD, ""), (NEW, NEW)])
def test_an_unknown_teacher_changes_nothing(
    make_lane: MakeLane, tolerances: Tolerances, measured: str, now: str
) -> None:
    known = tolerances.model_copy(update={"teacher": measured})
    assert judge(of_teacher(make_lane, now), known) == judge(of_teacher(make_lane, now), tolerances)


def test_a_limit_stated_by_hand_serves_every_teacher(make_lane: MakeLane, tolerances: Tolerances) -> None:
    known = combined(tolerances.model_copy(update={"teacher": OLD}), stated_tolerances("tiny", {"psnr": 35.0}, "x"))
    assert statuses(of_teacher(make_lane, NEW), known)["psnr"] == ("pass", False)


def test_a_device_is_not_bounded_by_another_teachers_faults(make_lane: MakeLane, tolerances: Tolerances) -> None:
    known = tolerances.model_copy(update={"teacher": OLD})
    old, new = (of_teacher(make_lane, teacher, runtime="coreml") for teacher in (OLD, NEW))
    assert statuses(old, known)["lpips"] == ("fail", True)
    assert statuses(new, known)["lpips"] == ("not judged", False)


def test_a_calibration_writes_its_teacher_down(make_lane: MakeLane) -> None:
    lanes = [of_teacher(make_lane, OLD), of_teacher(make_lane, OLD, {"psnr": [42.0, 43.0], "lpips": [0.01, 0.02]})]
    conditions = {"fp16": {"as planned": lanes[:1], "noise 1": lanes[1:]}}
    assert calibrate("tiny", conditions, {}, checks=10).teacher == OLD
    assert calibrate("tiny", {"fp16": {"one": [make_lane(FIGURES)]}}, {}, checks=10).teacher == ""
    mixed = {"fp16": {"as planned": lanes[:1], "noise 1": [of_teacher(make_lane, NEW)]}}
    with pytest.raises(UsageError, match="2 teachers: aaaaaaaaaaaa, bbbbbbbbbbbb"):
        calibrate("tiny", mixed, {}, checks=10)


def test_the_headline_says_why(make_lane: MakeLane, tolerances: Tolerances) -> None:
    known = tolerances.model_copy(update={"teacher": OLD})
    lane = of_teacher(make_lane, NEW, {"psnr": [40.0, 41.0]})
    run = run_record(lane.model_copy(update={"verdicts": judge(lane, known)}))
    said = headline_of(run).sentence
    assert "3 of them provisionally: the limits were measured with another teacher: sdqa calibrate." in said
    assert "nobody has calibrated" not in said
