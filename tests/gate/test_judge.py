"""Verdicts, worked out by hand; the traps of other people's gates by name; and monotony as a property."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdqa.bundle import Failure, Lane, Measurement, Package, Verdict
from sdqa.gate import NoBudgets, Tolerances, judge, plan_checks, verdict

MakeLane = Callable[..., Lane]
GOOD = {"finite": [1.0] * 4, "psnr": [60.0, 62.0, 61.0, 63.0], "lpips": [0.001, 0.002, 0.001, 0.002]}


def statuses(verdicts: tuple[Verdict, ...]) -> dict[str, str]:
    return {v.check.removeprefix("tiny/fp16/"): v.status for v in verdicts}


def test_a_clean_lane_passes_everywhere(make_lane: MakeLane, tolerances: Tolerances) -> None:
    found = statuses(judge(make_lane(GOOD), tolerances))
    assert set(found.values()) == {"pass"}
    assert {"case-0/psnr", "all/psnr", "case-3/finite", "all/lpips"} <= set(found)
    assert "all/finite" not in found


def test_a_verdict_carries_its_evidence(make_lane: MakeLane, tolerances: Tolerances) -> None:
    found = verdict("tiny/fp16/all/lpips", make_lane(GOOD), tolerances)
    assert found.value == pytest.approx(0.0015)
    assert found.golden == 0
    assert found.difference == pytest.approx(0.0015)
    assert found.tolerance == 0.01
    assert found.n == 4
    assert found.interval is not None
    assert found.interval[0] <= 0.0015 <= found.interval[1]
    assert "4 cases" in found.reason
    assert "would be noticed with 95%" in found.reason


def test_one_check_alone_gets_the_same_verdict(make_lane: MakeLane, tolerances: Tolerances) -> None:
    lane = make_lane({**GOOD, "clip_score": [0.7, 0.6, 0.4, None]})
    for expected in judge(lane, tolerances, NoBudgets(end_to_end_s=60)):
        assert verdict(expected.check, lane, tolerances, NoBudgets(end_to_end_s=60)) == expected


def test_a_mean_beyond_the_limit_fails_the_lane(make_lane: MakeLane, tolerances: Tolerances) -> None:
    found = statuses(judge(make_lane({"lpips": [0.012, 0.013, 0.012, 0.013]}), tolerances))
    assert found["all/lpips"] == "fail"
    assert found["case-0/lpips"] == "pass"


def test_a_straddling_interval_is_suspicious(make_lane: MakeLane, tolerances: Tolerances) -> None:
    found = verdict("tiny/fp16/all/lpips", make_lane({"lpips": [0.001, 0.019, 0.001, 0.012]}), tolerances)
    assert found.status == "suspicious"
    assert found.interval is not None
    assert found.interval[1] > 0.01


def test_a_single_outlier_is_suspicious_while_the_mean_holds(make_lane: MakeLane, tolerances: Tolerances) -> None:
    found = statuses(judge(make_lane({"psnr": [60, 60, 60, 40]}), tolerances))
    assert found["case-3/psnr"] == "suspicious"
    assert found["case-0/psnr"] == "pass"


def test_an_outlier_fails_when_the_mean_fails_too(make_lane: MakeLane, tolerances: Tolerances) -> None:
    found = statuses(judge(make_lane({"psnr": [48, 48, 48, 40]}), tolerances))
    assert found["case-3/psnr"] == "fail"
    assert found["all/psnr"] == "fail"


def test_a_case_as_bad_as_a_fault_fails_alone(make_lane: MakeLane, tolerances: Tolerances) -> None:
    found = statuses(judge(make_lane({"psnr": [90, 90, 90, 20]}), tolerances))
    assert found["case-3/psnr"] == "fail"
    assert found["all/psnr"] != "fail"


def test_nothing_passes_that_was_not_measured(make_lane: MakeLane, tolerances: Tolerances) -> None:
    lane = make_lane({"psnr": [60, 60, None, 60]})
    limits = NoBudgets(end_to_end_s=1)
    planned = plan_checks(lane.id, {f"case-{i}": ["psnr", "lpips"] for i in range(5)}, budgets=limits)
    found = judge(lane, tolerances, limits, planned=planned)
    assert [v.check for v in found] == planned
    kept = statuses(found)
    assert kept["case-0/psnr"] == "pass"
    assert {check for check, status in kept.items() if status == "not measured"} == {
        "case-2/psnr",
        "case-4/psnr",
        *(f"case-{i}/lpips" for i in range(5)),
        "all/psnr",
        "all/lpips",
        "budget/end_to_end_s",
    }
    assert all(v.reason for v in found)


def test_a_mean_without_a_planned_case_is_not_measured(make_lane: MakeLane, tolerances: Tolerances) -> None:
    lane = make_lane({"psnr": [60, 61, 60]})
    planned = plan_checks(lane.id, {f"case-{i}": ["psnr"] for i in range(4)})
    found = {v.check: v for v in judge(lane, tolerances, planned=planned)}["tiny/fp16/all/psnr"]
    assert found.status == "not measured"
    assert "without 1 of 4 cases: case-3" in found.reason
    assert statuses(judge(make_lane({"psnr": [20, 20, 20]}), tolerances, planned=planned))["all/psnr"] == "fail"


def test_a_failing_mean_fails_even_when_a_case_is_missing(make_lane: MakeLane, tolerances: Tolerances) -> None:
    assert verdict("tiny/fp16/all/psnr", make_lane({"psnr": [30, None]}), tolerances).status == "fail"


def test_why_a_case_is_missing_comes_from_the_failures(make_lane: MakeLane, tolerances: Tolerances) -> None:
    failure = Failure(stage="generate", where="tiny/fp16/case-9", code="SDQA-410", message="matmul failed", exit_code=3)
    found = verdict("tiny/fp16/case-9/psnr", make_lane(GOOD, failures=(failure,)), tolerances)
    assert (found.status, found.reason) == ("not measured", "generate: matmul failed")


def test_a_skipped_lane_is_never_green(make_lane: MakeLane, tolerances: Tolerances) -> None:
    lane = make_lane({}, status="skipped", reason="Core ML predicts only on macOS")
    found = judge(lane, tolerances, planned=plan_checks(lane.id, {"case-0": ["psnr"]}))
    assert {(v.status, v.reason) for v in found} == {("not measured", "Core ML predicts only on macOS")}


def test_without_a_tolerance_nothing_is_judged_but_provisionally(make_lane: MakeLane, tolerances: Tolerances) -> None:
    for given_tolerances, lane in ((None, make_lane(GOOD)), (tolerances, make_lane(GOOD, variant="int4"))):
        found = judge(lane, given_tolerances)
        assert {v.status == "not judged" or v.provisional for v in found if v.metric != "finite"} == {True}
        assert {(v.status, v.provisional) for v in found if v.metric == "finite"} == {("pass", False)}


def test_a_tolerance_of_another_metric_identity_is_not_used(make_lane: MakeLane, tolerances: Tolerances) -> None:
    own = tolerances.variants["fp16"]["lpips"].model_copy(update={"fingerprints": ("of-vgg",)})
    changed = tolerances.model_copy(update={"variants": {"fp16": {"lpips": own}}})
    found = verdict("tiny/fp16/case-0/lpips", make_lane(GOOD), changed)
    assert found.status == "not measured"
    assert "another metric" in found.reason


# Traps that existing checks fall into.


def test_trap_nan_passes_a_comparison(make_lane: MakeLane, tolerances: Tolerances) -> None:
    found = statuses(judge(make_lane({"psnr": [60, math.nan, 60, 60], "lpips": [0, math.inf, 0, 0]}), tolerances))
    assert {found[f"{scope}/{metric}"] for scope in ("case-1", "all") for metric in ("psnr", "lpips")} == {"fail"}


def test_trap_not_finite_is_fatal_before_any_comparison(make_lane: MakeLane, tolerances: Tolerances) -> None:
    found = statuses(judge(make_lane({**GOOD, "finite": [1, 1, 0.99999, 1]}), tolerances))
    assert {found[check] for check in ("case-2/finite", "case-2/psnr", "case-2/lpips", "all/psnr")} == {"fail"}
    assert found["case-0/psnr"] == "pass"


def test_trap_another_shape_is_fatal(make_lane: MakeLane, tolerances: Tolerances) -> None:
    found = statuses(judge(make_lane({**GOOD, "shape": [1, 0, 1, 1], "lpips": [0, None, 0, 0]}), tolerances))
    assert {found[check] for check in ("case-1/shape", "case-1/psnr", "case-1/lpips", "all/lpips")} == {"fail"}


def test_trap_an_absolute_clip_score_hides_a_loss(make_lane: MakeLane, tolerances: Tolerances) -> None:
    high_but_lost = make_lane({"clip_score": [0.60, 0.61, 0.60, 0.61]}, goldens={"clip_score": 0.70})
    low_but_kept = make_lane({"clip_score": [0.20, 0.21, 0.20, 0.21]}, goldens={"clip_score": 0.205})
    assert verdict("tiny/fp16/all/clip_score", high_but_lost, tolerances).status == "fail"
    assert verdict("tiny/fp16/all/clip_score", low_but_kept, tolerances).status == "pass"


def test_trap_a_difference_without_a_golden_is_no_difference(make_lane: MakeLane, tolerances: Tolerances) -> None:
    bare = Measurement(metric="clip_score", case="case-0", value=0.9, better="higher")
    found = verdict("tiny/fp16/case-0/clip_score", make_lane({}, measurements=(bare,)), tolerances)
    assert (found.status, found.reason) == ("not measured", "the golden has no figure to compare with")


def test_trap_of_two_figures_of_one_thing_neither_is_chosen(make_lane: MakeLane, tolerances: Tolerances) -> None:
    again = Measurement(metric="psnr", case="case-0", value=99.0, unit="dB", better="higher")
    lane = make_lane({"psnr": [20.0]}, measurements=(again,))
    found = verdict("tiny/fp16/case-0/psnr", lane, tolerances)
    assert (found.status, found.value) == ("not measured", None)
    assert found.reason == "there are two figures, 20 and 99: run the lane again"
    twice = make_lane({"psnr": [20.0]}, measurements=(again.model_copy(update={"value": 20.0, "fingerprint": "f"}),))
    assert verdict("tiny/fp16/case-0/psnr", twice, tolerances).status in ("fail", "not measured")


# Budgets, contracts, components.


@dataclass(frozen=True)
class Limits:
    model_memory_bytes: int | None = 2_000_000_000
    one_at_a_time_memory_bytes: int | None = 2_000_000_000
    off_neural_engine_percent: float | None = None
    inference_s: float | None = 40.0
    end_to_end_s: float | None = None


def test_budgets(make_lane: MakeLane, tolerances: Tolerances) -> None:
    figures = (
        Measurement(metric="model_memory_bytes", value=2_100_000_000, unit="bytes"),
        Measurement(metric="one_at_a_time_memory_bytes", value=1_900_000_000, unit="bytes"),
        Measurement(metric="off_neural_engine_percent", value=90.0, unit="%"),
        Measurement(metric="inference_s", value=39.0, unit="s"),
        Measurement(metric="end_to_end_s", value=500.0, unit="s"),
    )
    found = {v.metric: v for v in judge(make_lane({}, measurements=figures), tolerances, Limits())}
    assert {name: v.status for name, v in found.items()} == {
        "model_memory_bytes": "fail",
        "one_at_a_time_memory_bytes": "pass",
        "inference_s": "pass",
    }
    assert found["inference_s"].check == "tiny/fp16/budget/inference_s"
    assert "not on the device" in found["inference_s"].reason
    assert "by the packages alone" in found["model_memory_bytes"].reason, "no device would change it"


def test_a_budget_does_not_judge_what_an_earlier_run_measured(make_lane: MakeLane, tolerances: Tolerances) -> None:
    figure = Measurement(metric="inference_s", value=1.0, unit="s", replayed=True, measured_on="Apple M1")
    [found] = [
        v for v in judge(make_lane({}, measurements=(figure,)), tolerances, Limits()) if v.metric == "inference_s"
    ]
    assert (found.status, found.value) == ("not measured", 1.0)
    assert "an earlier run measured it, on Apple M1" in found.reason


def test_contract_and_coverage_must_be_exactly_one(make_lane: MakeLane, tolerances: Tolerances) -> None:
    figures = (
        Measurement(metric="contract", component="unet", value=1.0, better="higher"),
        Measurement(metric="coverage", component="unet", value=0.9999, better="higher", reason="2 parameters missing"),
        Measurement(metric="contract", value=None, better="higher", reason="no package"),
    )
    found = judge(make_lane({}, measurements=figures), tolerances)
    assert statuses(found) == {"unet/contract": "pass", "unet/coverage": "fail", "all/contract": "not measured"}
    assert "2 parameters missing" in found[1].reason


def test_a_component_figure_is_judged_by_its_own_tolerance(make_lane: MakeLane, tolerances: Tolerances) -> None:
    parity = Measurement(metric="psnr", component="unet", value=47.0, unit="dB", better="higher")
    own = tolerances.variants["fp16"]["psnr"].model_copy(update={"component": "unet", "case_limit": 48.0})
    table = {**tolerances.variants["fp16"], "psnr@unet": own}
    strict = tolerances.model_copy(update={"variants": {"fp16": table}})
    lane = make_lane({}, measurements=(parity,))
    assert statuses(judge(lane, tolerances)) == {"unet/psnr": "pass"}
    assert statuses(judge(lane, strict)) == {"unet/psnr": "fail"}


def test_a_missing_component_check_names_the_component(make_lane: MakeLane, tolerances: Tolerances) -> None:
    lane = make_lane({}, packages=(Package(component="unet", name="unet", digest="0" * 64, bytes=1),))
    assert verdict("tiny/fp16/unet/psnr", lane, tolerances).component == "unet"


# Monotony: making any figure worse never turns a fail into anything better.

BADNESS = {"pass": 0, "suspicious": 1, "not measured": 1, "fail": 2}
FIGURES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), metric=st.sampled_from(["psnr", "lpips", "clip_score", "finite"]))
def test_worse_figures_never_turn_a_fail_into_anything_better(
    make_lane: MakeLane, tolerances: Tolerances, data: st.DataObject, metric: str
) -> None:
    shares = data.draw(FIGURES)
    index = data.draw(st.integers(0, len(shares) - 1))
    worsened = list(shares)
    worsened[index] = max(shares[index], data.draw(st.floats(0, 1)))
    scale: dict[str, Callable[[float], float]] = {
        "psnr": lambda x: 100 - 90 * x,
        "lpips": lambda x: 0.2 * x,
        "clip_score": lambda x: 0.8 - 0.5 * x,
        "finite": lambda x: 1.0 if x < 0.5 else 1 - x,
    }

    def judged(badness: list[float]) -> dict[str, str]:
        figures = {name: [f(0.0)] * len(badness) for name, f in scale.items()}
        figures[metric] = [scale[metric](x) for x in badness]
        return {v.check: v.status for v in judge(make_lane(figures), tolerances)}

    before, after = judged(shares), judged(worsened)
    for check, status in before.items():
        if status == "fail":
            assert after[check] == "fail", (check, shares, worsened)
        if not check.startswith("tiny/fp16/all"):
            assert BADNESS[after[check]] >= BADNESS[status], (check, shares, worsened)


def test_judging_is_light() -> None:
    code = "import sys, sdqa.gate; print(sorted({'torch', 'coremltools', 'diffusers', 'scipy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_lanes_are_not_changed(make_lane: MakeLane, tolerances: Tolerances) -> None:
    lane = make_lane(GOOD)
    copy = lane.model_copy(deep=True)
    judge(lane, tolerances)
    assert lane == copy


@pytest.mark.parametrize("figure", [2.0, 1.5, -1.0, math.inf])
def test_what_must_be_one_is_not_more_than_one(figure: float, make_lane: MakeLane, tolerances: Tolerances) -> None:
    lane = make_lane(GOOD)
    measured = tuple(
        one.model_copy(update={"value": figure}) if one.metric == "finite" else one for one in lane.measurements
    )
    verdicts = judge(lane.model_copy(update={"measurements": measured}), tolerances)
    assert {one.status for one in verdicts if one.metric == "finite"} == {"fail"}
