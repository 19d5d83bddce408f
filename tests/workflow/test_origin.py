"""What a bundle says of itself: which lanes it left out and why, and where lanes are not whole."""

from __future__ import annotations

from pathlib import Path

from sdqa.bundle import Verdict
from sdqa.plan import load_suite, make_plan
from sdqa.workflow.origin import left_out, narrowings, provenance_of
from tests.builders import lane_record

SUITE = Path(__file__).parents[2] / "sdqa.toml"


def test_a_lane_that_answers_less_than_it_was_to_is_said() -> None:
    lane = lane_record("a", Verdict(check="a/x/m", metric="m", status="pass"), planned=("a/x/m", "a/y/m"))
    assert narrowings([lane]) == ("1 of 2 checks of a were selected",)
    assert narrowings([lane.model_copy(update={"planned": ("a/x/m",)})]) == ()


def test_every_lane_of_the_suite_that_did_not_run_is_named_with_the_reason() -> None:
    plan = make_plan(load_suite(SUITE), SUITE, only=("tiny/fp16", "*-cpu_only"), platform="linux")
    reasons = {lane.id: lane.reason for lane in left_out(plan, [lane_record("tiny/fp16")])}
    assert len(reasons) == 5
    assert reasons["tiny/palettized-6bit"] == "not asked for (--lane)"
    assert "macOS" in reasons["tiny/fp16@coreml-cpu_only"]
    stopped = {lane.id: lane.reason for lane in left_out(plan, [], interrupted=True)}
    assert stopped["tiny/fp16"] == "interrupted before it ran"
    assert {lane.reason for lane in left_out(plan, []) if lane.id == "tiny/fp16"} == {"none of its checks ran"}


def test_a_run_says_its_commit_its_judge_and_what_was_only_replayed() -> None:
    plan = make_plan(load_suite(SUITE), SUITE)
    lanes = [lane_record("a", replayed=True), lane_record("b")]
    found = provenance_of(plan, "2026-01-01T00:00:00+00:00", lanes, interrupted=True)
    assert len(found.commit) == 40
    assert len(found.judge_digest) == 64
    assert found.replayed == ("a",)
    assert found.interrupted
