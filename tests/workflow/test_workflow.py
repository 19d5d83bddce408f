"""Exit codes: a failed gate outranks everything, and what was not measured is never green. What else a run carries."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from sdqa.bundle import Bundle, Failure, Lane, Status, Verdict
from sdqa.plan import Plan, load_suite, make_plan
from sdqa.store import Store
from sdqa.workflow import Job, committed_sensitivity, exit_code
from sdqa.workflow.lane import record

SUITE = Path(__file__).parents[2] / "sdqa.toml"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(load_suite(SUITE), SUITE, platform="linux")


def lane(*statuses: Status, failures: tuple[int, ...] = ()) -> Lane:
    return Lane(
        id="tiny/fp16",
        model="tiny",
        variant="fp16",
        runtime="reference",
        compute_unit="CPU_ONLY",
        verdicts=tuple(
            Verdict(check=f"tiny/fp16/c/{index}", metric="m", status=status) for index, status in enumerate(statuses)
        ),
        failures=tuple(
            Failure(stage="generate", where="c", code="SDQA-000", message="m", exit_code=code) for code in failures
        ),
    )


@pytest.mark.parametrize(
    ("lanes", "expected"),
    [
        ([lane("pass", "pass")], 0),
        ([lane("pass", "suspicious")], 0),
        ([lane("pass", "fail")], 1),
        ([lane("pass", "fail", "not measured")], 1),
        ([lane("fail", failures=(3,))], 1),
        ([lane("pass", "not measured")], 4),
        ([lane("pass", failures=(3,))], 3),
        ([lane("pass", failures=(4,))], 4),
        ([lane("pass", failures=(4, 3))], 3),
        ([lane("pass"), lane("fail")], 1),
        ([lane()], 4),
        ([], 4),
    ],
)
def test_exit_codes(plan: Plan, lanes: list[Lane], expected: int) -> None:
    assert exit_code(plan, lanes) == expected


def test_a_required_lane_that_cannot_run_is_incomplete() -> None:
    only = ("tiny/fp16", "tiny/fp16@coreml-cpu_only")
    asked = make_plan(load_suite(SUITE), SUITE, only=only, platform="linux")
    assert exit_code(asked, [lane("pass")]) == 4


def test_skipped_lanes_say_why(plan: Plan) -> None:
    [found] = [record(one) for one in plan.lanes if one.id == "tiny/fp16@coreml-cpu_only"]
    assert found.status == "skipped"
    assert "macOS" in found.reason


def test_trap_failures_never_become_the_exit_status(plan: Plan) -> None:
    assert exit_code(plan, [lane("fail")]) == 1
    assert exit_code(plan, [lane("not measured")]) == 4
    assert exit_code(plan, []) == 4


def test_the_sensitivity_table_is_shown_beside_the_tolerances_it_was_measured_with(plan: Plan, tmp_path: Path) -> None:
    goldens = tmp_path / "goldens"
    shutil.copytree(plan.goldens / "tiny", goldens / "tiny", ignore=shutil.ignore_patterns("*.png", "*.safetensors"))
    suite = plan.suite.model_copy(update={"goldens": "goldens"})
    job = Job(replace(plan, suite=suite, suite_path=tmp_path / "sdqa.toml"), Store(tmp_path), Bundle(tmp_path))
    assert committed_sensitivity(job) is None, "nobody has measured"
    shutil.copy(plan.goldens / "sensitivity.json", goldens)
    shown = committed_sensitivity(job)
    assert shown is not None
    assert shown["figures"]["visible_caught"]["count"] > 200
    tolerances = goldens / "tiny" / "tolerances.json"
    text = tolerances.read_text(encoding="utf-8")
    tolerances.write_text(text.replace('"checks": ', '"checks": 1'), encoding="utf-8")
    assert committed_sensitivity(job) is None, "other tolerances"
    tolerances.write_text(text, encoding="utf-8")
    (goldens / "sensitivity.json").write_text("{", encoding="utf-8")
    assert committed_sensitivity(job) is None, "damaged"
