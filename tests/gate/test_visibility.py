"""A machine that nobody has calibrated is judged by what stands out from sound variants, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdqa.bundle import Measurement, Status
from sdqa.gate import Tolerances, judge, plan_checks
from sdqa.gate.standards import Standards
from sdqa.gate.visibility import PUBLISHED, visibility_bound
from tests.gate.conftest import MakeLane, tolerance

EMBEDDED = Path(__file__).parents[2] / "goldens" / "tiny" / "tolerances.json"
GOOD = {"psnr": [60.0, 61.0, 60.0], "lpips": [0.001, 0.001, 0.002], "clip_score": [0.7, 0.7, 0.7]}


def of(found: object) -> set[tuple[Status, bool]]:
    return {(v.status, v.provisional) for v in found}  # type: ignore[attr-defined]


def test_an_uncalibrated_device_is_judged_by_the_models_faults(make_lane: MakeLane, tolerances: Tolerances) -> None:
    lane = make_lane(GOOD, runtime="coreml", compute_unit="CPU_ONLY")
    found = judge(lane, tolerances)
    assert of(found) == {("pass", True)}
    assert all("nobody has calibrated fp16 on coreml: sdqa calibrate" in v.reason for v in found)
    assert "unet-2bit is the nearest fault that stands out from every variant (fp16)" in found[0].reason
    broken = judge(make_lane({**GOOD, "psnr": [20, 20, 20]}, runtime="coreml"), tolerances)
    assert of(v for v in broken if v.metric == "psnr") == {("fail", True)}


def test_of_several_variants_the_most_lenient_says_what_can_be_seen(tolerances: Tolerances) -> None:
    both = {"fp16": tolerances.variants["fp16"], "int4": {"psnr": tolerance("psnr", 30, 25, 10, of="value")}}
    device = {"fp16@coreml-cpu_only": {"psnr": tolerance("psnr", 12, 11, 10, of="value")}}
    known = tolerances.model_copy(update={"variants": {**both, **device}})
    found = visibility_bound(known, "psnr")
    assert found is not None
    assert found.tolerance.limit == 30, "what a device adds is no measure of what can be seen"


def test_a_metric_to_which_no_fault_is_visible_has_no_bound(make_lane: MakeLane, tolerances: Tolerances) -> None:
    blind = tolerances.variants["fp16"]["clip_score"].model_copy(update={"nearest_fault": None})
    known = tolerances.model_copy(update={"variants": {"fp16": {"clip_score": blind}}})
    found = judge(make_lane({"clip_score": [0.7, 0.1]}, runtime="coreml"), known)
    assert of(found) == {("not judged", False)}
    assert "nobody knows from where on clip_score can be seen" in found[0].reason


def test_a_bound_of_another_network_is_not_used(make_lane: MakeLane, tolerances: Tolerances) -> None:
    other = tolerances.variants["fp16"]["lpips"].model_copy(update={"fingerprints": ("of-vgg",)})
    known = tolerances.model_copy(update={"variants": {"fp16": {"lpips": other}}})
    assert of(judge(make_lane({"lpips": [0.0, 0.0]}, runtime="coreml"), known)) == {("not judged", False)}


def test_from_nothing_the_gates_that_publish_a_limit_decide(make_lane: MakeLane) -> None:
    found = {v.check: v for v in judge(make_lane(GOOD), None)}
    assert (found["tiny/fp16/all/psnr"].status, found["tiny/fp16/all/psnr"].tolerance) == ("pass", 28.0)
    assert found["tiny/fp16/case-0/lpips"].status == "not judged"
    assert "SGLang and vLLM-Omni accept no less" in found["tiny/fp16/all/psnr"].reason
    worse = {v.check: v.status for v in judge(make_lane({"psnr": [27.0, 27.5]}), None)}
    assert set(worse.values()) == {"fail"}


def test_a_healthy_engine_is_within_what_is_published_of_a_component() -> None:
    found = visibility_bound(None, "parity_psnr", "unet")
    assert found is not None
    assert found.tolerance.limit == PUBLISHED["parity_psnr"][0] < 34, "SD 1.5 on an M2 Pro's engine: 34 to 36 dB"


def test_hard_checks_and_budgets_are_never_provisional(make_lane: MakeLane) -> None:
    whole = Measurement(metric="end_to_end_s", value=5.0, unit="s")

    class Limits:
        model_memory_bytes = one_at_a_time_memory_bytes = off_neural_engine_percent = inference_s = None
        end_to_end_s = 1.0

    lane = make_lane({"finite": [1, 0]}, measurements=(whole,), runtime="coreml")
    assert {(v.metric, v.status, v.provisional) for v in judge(lane, None, Limits())} == {
        ("finite", "pass", False),
        ("finite", "fail", False),
        ("end_to_end_s", "fail", False),
    }


def test_nothing_passes_provisionally_that_was_not_measured(make_lane: MakeLane) -> None:
    lane = make_lane({"psnr": [60, None]}, runtime="coreml")
    planned = plan_checks(lane.id, {f"case-{i}": ["psnr"] for i in range(3)})
    found = {v.check.removeprefix("tiny/fp16/"): v.status for v in judge(lane, None, planned=planned)}
    assert found == {
        "case-0/psnr": "pass",
        "case-1/psnr": "not measured",
        "case-2/psnr": "not measured",
        "all/psnr": "not measured",
    }


def test_a_calibrated_lane_that_lacks_one_metric_is_a_hole(make_lane: MakeLane, tolerances: Tolerances) -> None:
    table = {"psnr": tolerances.variants["fp16"]["psnr"]}
    known = tolerances.model_copy(update={"variants": {"fp16@coreml": table}})
    found = {v.metric: v.status for v in judge(make_lane(GOOD, runtime="coreml"), known)}
    assert found == {"psnr": "pass", "lpips": "not measured", "clip_score": "not measured"}


def test_where_calibrated_machines_are_required_a_provisional_pass_is_missing_evidence(
    make_lane: MakeLane, tolerances: Tolerances
) -> None:
    standards = Standards(tolerances, require_calibrated=True)
    good = judge(make_lane(GOOD, runtime="coreml"), standards)
    assert of(good) == {("not measured", False)}
    assert all("[gate] require_calibrated" in v.reason for v in good)
    bad = judge(make_lane({**GOOD, "psnr": [20, 20, 20]}, runtime="coreml"), standards)
    assert of(v for v in bad if v.metric == "psnr") == {("fail", True)}, "visibly different is red in any case"
    assert of(judge(make_lane(GOOD), standards)) == {("pass", False)}


@pytest.mark.parametrize("metric", ["lpips", "psnr", "ssim", "tile_psnr", "latent_psnr", "clip_score"])
def test_the_embedded_models_bounds_lie_before_a_visible_fault(metric: str) -> None:
    known = Tolerances.load(EMBEDDED)
    found = visibility_bound(known, metric, None, known.variants["fp16"][metric].fingerprints[0])
    assert found is not None
    assert found.tolerance.nearest_fault is not None
    assert found.tolerance.worse_than(found.tolerance.nearest_fault.mean, found.tolerance.limit)


def test_a_plan_explains_what_an_uncalibrated_lane_is_judged_by(tmp_path: Path) -> None:
    from dataclasses import replace

    from sdqa.gate.explain import explain_checks
    from sdqa.plan import load_suite, make_plan

    path = EMBEDDED.parents[2] / "sdqa.toml"
    plan = make_plan(load_suite(path), path, only=("tiny/fp16@coreml-cpu_only",))
    text = explain_checks(plan, {})
    assert "lpips: provisional: vae-decoder-noise@marked is the nearest fault" in text
    assert "black: not judged until it is calibrated" in text
    bare = replace(plan, suite=plan.suite.model_copy(update={"goldens": str(tmp_path)}))
    said = "psnr: provisional: SGLang and vLLM-Omni accept no less of a picture; sdqa calibrate"
    assert said in explain_checks(bare, {})
