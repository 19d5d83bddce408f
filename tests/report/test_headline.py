"""The verdict in words: never a pass without evidence."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from sdqa.bundle import Failure, Provenance, Run, Status
from sdqa.report.headline import headline_of
from sdqa.report.summary import summary_markdown
from sdqa.report.terminal import print_verdict
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


@pytest.mark.parametrize(
    ("origin", "title", "words"),
    [
        ({"interrupted": True}, "Incomplete", "Interrupted after 0 of 0 cases. "),
        (
            {"narrowed": ("1 of 9 checks of a were selected",)},
            "Pass, in part",
            "The run was narrowed: 1 of 9 checks of a ",
        ),
        ({"modified": True}, "Pass, of changed files", "Files of its commit were changed before it was made. "),
    ],
)
def test_what_a_run_says_of_itself_comes_before_its_checks(origin: dict[str, Any], title: str, words: str) -> None:
    run = run_of("pass", provenance=Provenance(**origin))
    headline = headline_of(run)
    assert headline.title == title
    assert headline.tone != "pass"
    assert headline.sentence.startswith(words)
    assert run.exit_code == 0
    failed = headline_of(run_of("fail", provenance=Provenance(**origin)))
    assert failed.title == "Fail"
    assert failed.sentence.startswith(words)
    doubted = headline_of(run_of("suspicious", provenance=Provenance(**origin)))
    assert doubted.sentence.startswith(words)


def test_a_planted_fault_that_nothing_caught_is_no_pass() -> None:
    title, words = (
        "The planted fault was not caught",
        "A fault was planted on purpose: nan. None of 2 checks in 1 lane ",
    )
    for second in ("pass", "suspicious"):
        run = run_of("pass", second, fault="nan")
        headline = headline_of(run)
        assert (headline.tone, headline.title) == ("suspicious", title)
        assert headline.sentence.startswith(f"{words}failed.")
        stream = StringIO()
        print_verdict(run, Console(file=stream))
        assert title in stream.getvalue()
        assert summary_markdown(run).startswith(f"## ⚠️ sdqa {run.suite}: {title}\n")
    assert headline_of(run_of("fail", fault="nan")).title == "Fail"
    missing = headline_of(run_of("not measured", fault="nan"))
    assert (missing.title, missing.sentence[:30]) == ("Incomplete", "A fault was planted on purpose")


@given(st.lists(st.sampled_from(["pass", "fail", "suspicious", "not measured"]), max_size=6))
def test_only_a_run_whose_every_check_passed_is_a_pass(statuses: list[Status]) -> None:
    assert (headline_of(run_of(*statuses)).tone == "pass") == (bool(statuses) and set(statuses) == {"pass"})


def test_an_interruption_says_how_far_it_came() -> None:
    stopped = Failure(stage="lane", where="a", code="SDQA-901", message="interrupted", exit_code=130)
    run = run_of("not measured", lane={"failures": (stopped,), "status": "incomplete"}, exit_code=130)
    assert headline_of(run).title == "Incomplete"
    assert headline_of(run).sentence.startswith("Interrupted after 0 of 0 cases. ")
