"""Exit codes: a failed gate outranks everything, and what was not measured is never green."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sdqa.bundle import Bundle, Failure, Lane, Status, Verdict
from sdqa.errors import UsageError
from sdqa.plan import Budgets, Plan, find_suite, load_suite, make_plan
from sdqa.store import Store
from sdqa.workflow.gate import exit_code, gate, judge_again, planned_checks
from sdqa.workflow.job import Job
from sdqa.workflow.lane import Collected
from tests.ci import honest
from tests.ci.forged import LANES, RUNS

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
        ([lane("not measured", failures=(3,))], 3),
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


def test_a_lane_without_evidence_has_a_verdict_for_every_check_and_none_is_a_pass(plan: Plan, tmp_path: Path) -> None:
    job = Job(plan, Store(tmp_path), Bundle(tmp_path))
    found = gate(job, plan.running[0], Collected())
    assert [verdict.check for verdict in found.verdicts] == list(planned_checks(plan, plan.running[0]))
    assert {verdict.status for verdict in found.verdicts} == {"not measured"}


def test_a_lane_whose_tolerances_cannot_be_read_says_so(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "none" / "tiny").mkdir(parents=True)
    (tmp_path / "none" / "tiny" / "tolerances.json").write_text("[]", encoding="utf-8")
    elsewhere = replace(
        plan, suite=plan.suite.model_copy(update={"goldens": "none"}), suite_path=tmp_path / "sdqa.toml"
    )
    collected = Collected()
    found = gate(Job(elsewhere, Store(tmp_path), Bundle(tmp_path)), plan.running[0], collected)
    assert found.status == "incomplete"
    assert [failure.stage for failure in found.failures] == ["gate"]
    assert collected.failures == (), "only the lane's loop collects"


def test_a_metric_that_there_is_not_is_a_usage_error(plan: Plan) -> None:
    metrics = plan.suite.metrics.model_copy(update={"names": ("lpisp",)})
    mistyped = replace(plan, suite=plan.suite.model_copy(update={"metrics": metrics}))
    with pytest.raises(UsageError, match="did you mean lpips"):
        planned_checks(mistyped, plan.running[0])


def test_of_assets_nobody_asks_where_they_run() -> None:
    path = find_suite("coreai")
    plan = make_plan(load_suite(path), path)
    plan = replace(plan, suite=plan.suite.model_copy(update={"budgets": Budgets(off_neural_engine_percent=5)}))
    (lane,) = plan.lanes
    checks = planned_checks(plan, lane)
    assert not [check for check in checks if "off_neural_engine" in check]
    assert f"{lane.id}/unet/coverage" in checks
    on_reference = replace(lane, runtime="reference")
    assert f"{lane.id}/budget/off_neural_engine_percent" in planned_checks(plan, on_reference)


def test_what_is_judged_again_is_held_against_the_checkout_too(tmp_path: Path) -> None:
    honest.record_goldens(tmp_path / "goldens")
    plan = honest.plan(tmp_path / "sdqa.toml")
    sound, prompt = honest.linux(), RUNS["a_case_was_put_in_as_something_else"]
    edited = LANES["the_goldens_figure_was_edited_beside_the_value"]
    told = sound.model_copy(update={"lanes": (edited[1](), *sound.lanes[1:])})
    for number, (run, words) in enumerate(((sound, ""), (told, edited[0]), (prompt[1](), "dog: another prompt"))):
        found = judge_again(plan, honest.keep(tmp_path / str(number), run))
        said = [failure.message for lane in found.lanes for failure in lane.failures]
        assert found.exit_code == (4 if words else 0)
        assert [text for text in said if words in text and text.endswith("run the lane again")] == said
        assert bool(said) == bool(words)


def test_an_older_bundle_that_does_not_say_what_was_put_in_is_judged_again(tmp_path: Path) -> None:
    honest.record_goldens(tmp_path / "goldens")
    plan = honest.plan(tmp_path / "sdqa.toml")
    assert judge_again(plan, honest.keep(tmp_path / "old", honest.linux(cases={}))).exit_code == 0
