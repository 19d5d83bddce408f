"""A lane's place in a bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sdqa.bundle import Failure
from sdqa.plan import load_suite, make_plan
from sdqa.workflow.lane import Collected
from sdqa.workflow.record import difference, record

SUITE = Path(__file__).parents[2] / "sdqa.toml"
PLAN = make_plan(load_suite(SUITE), SUITE, platform="linux")


def test_skipped_lanes_say_why() -> None:
    [found] = [record(one) for one in PLAN.lanes if one.id == "tiny/fp16@coreml-cpu_only"]
    assert found.status == "skipped"
    assert "macOS" in found.reason


def test_a_lane_that_failed_is_incomplete_for_its_first_reason_and_keeps_what_it_heard() -> None:
    failures = tuple(
        Failure(stage="lane", where="tiny/fp16", code="SDQA-410", message=message, exit_code=3)
        for message in ("first", "second")
    )
    found = record(PLAN.running[0], Collected(failures=failures, warnings=("RuntimeWarning: overflow",)))
    assert (found.status, found.reason, found.failures) == ("incomplete", "first", failures)
    assert found.warnings == ("RuntimeWarning: overflow",)


def test_a_difference_is_amplified_and_has_no_sign() -> None:
    golden, candidate = np.full((1, 2, 3), 100, np.uint8), np.full((1, 2, 3), 97, np.uint8)
    assert difference(golden, candidate).tolist() == difference(candidate, golden).tolist() == [[[12] * 3] * 2]
    assert difference(golden, np.zeros_like(golden)).max() == 255
