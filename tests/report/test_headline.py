"""The verdict in words: never a pass without evidence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdqa.bundle import Failure, Run, Status
from sdqa.report.headline import headline_of
from tests.builders import lane_record, run_record, verdicts_of

FAILURE = Failure(stage="score", where="x", code="SDQA-500", message="m", exit_code=3)


def run_of(*statuses: Status, lane: dict[str, Any] | None = None, **fields: Any) -> Run:
    return run_record(lane_record("a", *verdicts_of("a", *statuses), **(lane or {})), **fields)


@pytest.mark.parametrize(
    ("run", "tone", "title"),
    [
        (run_of("pass"), "pass", "Pass"),
        (run_of("pass", "suspicious"), "suspicious", "Pass, with doubts"),
        (run_of("pass", "fail", "not measured"), "fail", "Fail"),
        (run_of("pass", exit_code=1), "fail", "Fail"),
        (run_of("pass", "not measured"), "not measured", "Incomplete"),
        (run_of("pass", status="incomplete"), "not measured", "Incomplete"),
        (run_of("pass", exit_code=4), "not measured", "Incomplete"),
        (run_of("pass", lane={"status": "incomplete"}), "not measured", "Incomplete"),
        (run_of("pass", lane={"failures": (FAILURE,)}), "not measured", "Incomplete"),
        (run_of("pass", exit_code=3), "not measured", "Error"),
        (run_of(), "not measured", "Nothing was checked"),
    ],
)
def test_titles(run: Run, tone: str, title: str) -> None:
    headline = headline_of(run)
    assert (headline.tone, headline.title) == (tone, title)


def test_what_was_left_out_is_said() -> None:
    assert headline_of(run_of("pass", planned_checks=5)).sentence.endswith("4 of 5 planned checks were not selected.")
    assert "1 lane did not run" in headline_of(run_of("pass", lane={"status": "skipped"})).sentence


@given(st.lists(st.sampled_from(["pass", "fail", "suspicious", "not measured"]), max_size=6))
def test_only_a_run_whose_every_check_passed_is_a_pass(statuses: list[Status]) -> None:
    assert (headline_of(run_of(*statuses)).tone == "pass") == (bool(statuses) and set(statuses) == {"pass"})


def test_an_interruption_says_how_far_it_came() -> None:
    stopped = Failure(stage="lane", where="a", code="SDQA-901", message="interrupted", exit_code=130)
    run = run_of("not measured", lane={"failures": (stopped,), "status": "incomplete"}, exit_code=130)
    assert headline_of(run).title == "Incomplete"
    assert headline_of(run).sentence.startswith("Interrupted after 0 of 0 cases. ")
