"""Calibration places limits between measured noise and measured faults, and says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from sdqa.bundle import Failure, Lane, Measurement
from sdqa.errors import UsageError
from sdqa.gate import Tolerance, judge
from sdqa.gate.calibrate import calibrate

MakeLane = Callable[..., Lane]
RNG = np.random.default_rng(0)
CLEAN = {"psnr": (60 + RNG.normal(size=12)).tolist(), "lpips": np.abs(1e-5 * RNG.normal(size=12)).tolist()}
VISIBLE = {"psnr": (40 + RNG.normal(size=12)).tolist(), "lpips": (0.01 + 1e-3 * RNG.normal(size=12)).tolist()}
GROSS = {"psnr": [12.0] * 12, "lpips": [0.5] * 12}
UNSEEN = {"psnr": (60 + RNG.normal(size=12)).tolist(), "lpips": (0.01 + 1e-3 * RNG.normal(size=12)).tolist()}


def table(make_lane: MakeLane, clean: object = CLEAN, faults: object = None, checks: int = 30) -> dict[str, Tolerance]:
    given = faults if faults is not None else {"soft": VISIBLE, "gross": GROSS, "unseen": UNSEEN}
    assert isinstance(given, dict)
    lanes = {name: [make_lane(figures)] for name, figures in given.items()}
    found = calibrate("tiny", {"fp16": {"clean": [make_lane(clean)]}}, lanes, checks=checks, date="2026-01-01")
    return found.variants["fp16"]


def test_a_limit_lies_between_the_noise_and_the_nearest_visible_fault(make_lane: MakeLane) -> None:
    psnr, lpips = table(make_lane)["psnr"], table(make_lane)["lpips"]
    assert psnr.nearest_fault is not None
    assert psnr.nearest_fault.name == "soft"
    assert psnr.nearest_fault.mean < psnr.limit < psnr.harmless.bound < psnr.harmless.mean
    assert psnr.limit == pytest.approx((psnr.harmless.bound + psnr.nearest_fault.mean) / 2)
    assert lpips.nearest_fault is not None
    assert lpips.harmless.bound < lpips.limit < lpips.nearest_fault.mean
    assert lpips.limit == pytest.approx((lpips.harmless.bound * lpips.nearest_fault.mean) ** 0.5)
    assert psnr.blind_to == ("unseen",)
    assert lpips.blind_to == ()
    assert psnr.margin[0] > 0 < psnr.margin[1]


def test_harmless_lanes_pass_and_faults_fail_by_their_own_calibration(make_lane: MakeLane) -> None:
    lanes = {name: [make_lane(f)] for name, f in {"soft": VISIBLE, "gross": GROSS}.items()}
    found = calibrate("tiny", {"fp16": {"clean": [make_lane(CLEAN)]}}, lanes, checks=30)
    assert {v.status for v in judge(make_lane(CLEAN), found)} == {"pass"}
    for faulty in (VISIBLE, GROSS):
        assert {v.status for v in judge(make_lane(faulty), found)} == {"fail"}


def test_more_checks_and_fewer_false_alarms_widen_the_bound(make_lane: MakeLane) -> None:
    few, many = table(make_lane, checks=20)["psnr"], table(make_lane, checks=2000)["psnr"]
    assert many.harmless.bound < few.harmless.bound
    assert many.harmless.case_bound < few.harmless.case_bound


def test_more_measurements_narrow_the_bound(make_lane: MakeLane) -> None:
    figures = (60 + np.random.default_rng(1).normal(size=(5, 12))).tolist()
    lanes = [make_lane({"psnr": row}) for row in figures]
    few, many = (
        calibrate("tiny", {"*": {"clean": lanes[:n]}}, {}, checks=30).variants["*"]["psnr"].harmless for n in (1, 5)
    )
    assert (many.mean - many.bound) / many.sd < (few.mean - few.bound) / few.sd


def test_without_a_visible_fault_the_bound_is_widened(make_lane: MakeLane) -> None:
    psnr = table(make_lane, faults={"unseen": UNSEEN})["psnr"]
    assert psnr.nearest_fault is None
    assert psnr.limit < psnr.harmless.bound
    assert "no measured fault is seen" in psnr.explain()


def test_clean_cases_that_scatter_beyond_the_fault_are_suspicious_alone(make_lane: MakeLane) -> None:
    wild = {"psnr": [60, 62, 61, 63, 60, 59, 61, 62, 60, 61, 62, 35]}
    lanes = {"gross": [make_lane({"psnr": [20.0] * 12})]}
    found = calibrate("tiny", {"fp16": {"clean": [make_lane(wild)]}}, lanes, checks=30)
    psnr = found.variants["fp16"]["psnr"]
    assert psnr.severe < 20 < psnr.case_limit < 35
    alone = make_lane({"psnr": [60.0] * 11 + [22.0]})
    assert {v.check: v.status for v in judge(alone, found)}["tiny/fp16/case-11/psnr"] == "suspicious"


def test_components_have_their_own_tolerances(make_lane: MakeLane) -> None:
    def parity(values: Sequence[float]) -> list[Lane]:
        figures = [
            Measurement(metric="parity_psnr", component="unet", value=v, unit="dB", better="higher") for v in values
        ]
        return [make_lane({}, measurements=(figure,)) for figure in figures]

    found = calibrate("tiny", {"fp16": {"clean": parity([70, 71, 69, 70])}}, {"2bit": parity([20, 21])}, checks=30)
    tolerance = found.variants["fp16"]["parity_psnr@unet"]
    assert 20 < tolerance.case_limit < 70
    good, bad = parity([69]), parity([25])
    assert [v.status for v in judge(good[0], found)] == ["pass"]
    assert [v.status for v in judge(bad[0], found)] == ["fail"]


def test_hard_metrics_timings_and_sizes_are_not_calibrated(make_lane: MakeLane) -> None:
    extra = tuple(
        Measurement(metric=metric, component="unet", value=1.0, unit=unit, better="lower")
        for metric, unit in (("latency_ms", "ms"), ("package_bytes", "B"), ("coverage", ""), ("peak_memory_bytes", "B"))
    )
    lane = make_lane({**CLEAN, "finite": [1.0] * 12}, measurements=extra)
    found = calibrate("tiny", {"*": {"clean": [lane]}}, {}, checks=30)
    assert sorted(found.variants["*"]) == ["lpips", "psnr"]


def test_nothing_is_calibrated_on_a_lane_that_is_not_whole(make_lane: MakeLane) -> None:
    failure = Failure(stage="convert", where="tiny/fp16", code="SDQA-300", message="no such op", exit_code=3)
    for broken in (make_lane(CLEAN, status="incomplete", failures=(failure,)), make_lane({})):
        with pytest.raises(UsageError, match="is not whole"):
            calibrate("tiny", {"fp16": {"clean": [broken]}}, {}, checks=30)


def test_conditions_of_a_single_figure_are_taken_together(make_lane: MakeLane) -> None:
    lanes = {f"noise {i}": [make_lane({"psnr": [value]})] for i, value in enumerate([66.0, 70.0, 68.0, 69.0, 67.0])}
    psnr = calibrate("tiny", {"*": lanes}, {}, checks=30).variants["*"]["psnr"]
    assert psnr.harmless.n == 5
    assert psnr.harmless.bound < 65


def test_one_figure_is_not_enough(make_lane: MakeLane) -> None:
    with pytest.raises(UsageError, match="at least two"):
        calibrate("tiny", {"*": {"clean": [make_lane({"psnr": [60.0]})]}}, {}, checks=30)


def test_a_fault_that_is_not_finite_does_not_spoil_the_calibration(make_lane: MakeLane) -> None:
    nan = {"psnr": [float("nan")] * 12}
    psnr = table(make_lane, faults={"soft": VISIBLE, "nan": nan})["psnr"]
    assert psnr.nearest_fault is not None
    assert psnr.nearest_fault.name == "soft"
