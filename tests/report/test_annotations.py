"""GitHub workflow commands."""

from __future__ import annotations

import pytest

from sdqa.bundle import Run, Verdict
from sdqa.report.annotations import LIMIT, command, escape_data, escape_property, workflow_commands
from tests.builders import lane_record, run_record


def test_escaping_follows_the_toolkit() -> None:
    assert escape_data("50%\r\n:,") == "50%25%0D%0A:,"
    assert escape_property("50%\r\n:,") == "50%25%0D%0A%3A%2C"


def test_a_reason_cannot_start_a_second_command() -> None:
    line = command("error", "a::b", "x\n::warning::y")
    assert line == "::error title=a%3A%3Ab::x%0A::warning::y"
    assert "\n" not in line


def test_failures_are_errors_and_doubts_are_warnings(run: Run) -> None:
    lines = workflow_commands(run).splitlines()
    errors = [line for line in lines if line.startswith("::error title=")]
    warnings = [line for line in lines if line.startswith("::warning title=suspicious")]
    assert "::error title=fail tiny/palette2/reference/cpu/landscape-lake/lpips::lpips (worst of 10): NaN" in "".join(
        errors
    )
    assert len(warnings) == 1
    [notice] = [line for line in lines if line.startswith("::notice title=lane did not run")]  # a Mac's, no hole
    assert "Core ML predicts on macOS only" in notice
    assert len(errors) + len(warnings) + 1 == len(lines)


def test_more_than_github_shows_are_counted(run: Run) -> None:
    failures = run.lanes[2].failures * 15
    many = run.model_copy(update={"lanes": (run.lanes[2].model_copy(update={"failures": failures}),)})
    lines = workflow_commands(many).splitlines()
    errors = [line for line in lines if line.startswith("::error")]
    assert len(errors) == LIMIT
    assert errors[-1] == "::error title=more::12 more errors: see the report"


@pytest.mark.parametrize(("exit_code", "kind"), [(0, "notice"), (4, "error")])
def test_a_lane_that_did_not_run_is_an_error_where_it_had_to_run(exit_code: int, kind: str) -> None:
    run = run_record(lane_record("a", status="skipped", reason="needs macOS"), exit_code=exit_code)
    assert workflow_commands(run) == f"::{kind} title=lane did not run::a: needs macOS\n"


def test_a_clean_run_is_silent(clean_run: Run) -> None:
    assert workflow_commands(clean_run) == ""


def test_a_figure_that_was_not_measured_is_an_error() -> None:
    verdict = Verdict(check="a/lpips", metric="lpips", status="not measured", reason="no golden")
    run = run_record(lane_record("a", verdict))
    assert workflow_commands(run) == "::error title=not measured a/lpips::lpips: no figure. no golden\n"


def test_an_annotation_keeps_its_direction() -> None:
    assert command("error", "a\u202eb", "c\u2066d") == "::error title=ab::cd"


def test_a_check_of_a_case_names_its_place_in_the_page() -> None:
    verdict = Verdict(check="a@b/c%d/m", metric="m", case="c%d", status="fail", reason="bad")
    run = run_record(lane_record("a@b", verdict))
    [line] = workflow_commands(run).splitlines()
    assert line.endswith(
        ". Report: index.html#/case/c%2525d?lane=a%2540b"
    )  # the command's own escaping over the page's
    [line] = workflow_commands(run, "https://example.org/index.html").splitlines()
    assert "Report: https://example.org/index.html#/case/" in line
