"""Suites become lanes; what cannot run here is skipped with a reason, and what was asked for by name is required."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdqa.errors import UsageError
from sdqa.plan import Plan, load_suite, make_plan, reseeded
from sdqa.plan.describe import plan_data, plan_text, unet_calls
from sdqa.plan.suite import TEACHER_NOW

SUITE = Path(__file__).parents[2] / "sdqa.toml"


def plan(platform: str = "linux", only: tuple[str, ...] = ()) -> Plan:
    return make_plan(load_suite(SUITE), SUITE, only=only, platform=platform)


def test_the_shipped_suite_has_what_was_promised() -> None:
    made = plan()
    cases = made.suite.cases.values()
    assert sum(case.source is not None for case in cases) >= 8
    assert sum(case.source is None for case in cases) >= 2
    strengths = [case.strength for case in cases if case.source is not None]
    assert min(strengths) <= 0.3
    assert max(strengths) >= 0.8
    assert any(lane.variant.compression == "palettize-6bit" for lane in made.running)


def test_core_ml_lanes_run_on_a_mac_only() -> None:
    linux, mac = plan("linux"), plan("darwin")
    assert {lane.runtime for lane in linux.running} == {"reference"}
    assert all("macOS" in lane.skip_reason for lane in linux.lanes if lane.runtime == "coreml")
    assert {lane.runtime for lane in mac.running} == {"reference", "coreml"}


def test_lane_patterns() -> None:
    assert [lane.id for lane in plan(only=("tiny/fp16",)).lanes] == ["tiny/fp16"]
    assert plan(only=("tiny/fp16",)).lanes[0].required
    assert not plan(only=("tiny/fp1*",)).lanes[0].required
    with pytest.raises(UsageError, match="no lane matches"):
        plan(only=("tiny/fp61",))


def test_plan_text_and_data_say_the_same() -> None:
    made = plan()
    text, data = plan_text(made), plan_data(made)
    for lane in data["lanes"]:
        assert lane["id"] in text
    assert "skipped: Core ML predicts only on macOS" in text


def test_unet_calls_count_what_runs() -> None:
    cases = plan().suite.cases
    for scheduler, whole, half in (("ddim", 20, 10), ("pndm", 21, 11)):
        chosen = {"scheduler": scheduler}
        assert unet_calls(cases["text-portrait"].model_copy(update=chosen)) == whole
        assert unet_calls(cases["portrait-red-hair"].model_copy(update=chosen)) == half


def test_shipped_suites_load_and_work_where_the_user_stands() -> None:
    from sdqa.plan import shipped_suites

    suites = shipped_suites()
    assert {"starter", "seed", "fullsize", "embedded"} <= set(suites)
    assert suites.pop("embedded") == SUITE, "in a source tree"
    for path in suites.values():
        made = make_plan(load_suite(path), path, platform="linux")
        assert made.root == Path()
        assert made.running or all("not installed" in lane.skip_reason for lane in made.lanes)
    assert plan().root == SUITE.parent


def test_another_seed_means_other_noise_and_references_drawn_now() -> None:
    made = plan()
    other = reseeded(made, 7)
    assert other.suite.goldens == TEACHER_NOW
    for before, after in zip(made.lanes, other.lanes, strict=True):
        assert {name: case.seed + 7 for name, case in before.cases.items()} == {
            name: case.seed for name, case in after.cases.items()
        }
