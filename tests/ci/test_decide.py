"""The gate's decision over whole, broken, foreign and partial evidence."""

from __future__ import annotations

import pytest

from sdqa.ci.decide import decide
from tests.ci.scenarios import SCENARIOS
from tests.ci.scenarios.making import ENGINE, FP16


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_exit_code_of(name: str) -> None:
    code, make = SCENARIOS[name]
    wanted, submitted, *more = make()
    run = decide(wanted, submitted, *more)
    assert run.exit_code == code, [*run.failures, *(failure for lane in run.lanes for failure in lane.failures)]
    assert (run.status == "complete") == (code == 0) or code == 1


@pytest.mark.parametrize("name", [name for name, (code, _) in SCENARIOS.items() if code == 4])
def test_what_keeps_the_evidence_from_being_whole_has_a_name(name: str) -> None:
    wanted, submitted, *more = SCENARIOS[name][1]()
    run = decide(wanted, submitted, *more)
    said = [*run.failures, *(failure for lane in run.lanes for failure in lane.failures)]
    said_of_checks = [verdict.reason for verdict in run.verdicts if verdict.status == "not measured"]
    assert said or said_of_checks
    assert all(failure.message and failure.where for failure in said)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bundles_of_two_lanes_where_three_are_planned", ENGINE),
        ("the_linux_artifact_lost_while_the_macs_arrives", FP16),
        ("a_bundle_of_another_commit_beside_whole_evidence", "tiny/fp16, tiny/small"),
        ("a_job_was_cancelled", FP16),
        ("a_run_that_was_interrupted", FP16),
        ("a_bundle_with_a_planted_fault", "a fault was planted: vae-decoder-noise"),
        ("a_bundle_in_quarantine", "in quarantine: run.json is not JSON"),
    ],
)
def test_the_lane_is_named(name: str, words: str) -> None:
    wanted, submitted, *more = SCENARIOS[name][1]()
    run = decide(wanted, submitted, *more)
    said = [*run.failures, *(failure for lane in run.lanes for failure in lane.failures)]
    assert any(words in f"{failure.where} {failure.message}" for failure in said), said


def test_the_rest_is_reported_where_one_bundle_is_in_quarantine() -> None:
    wanted, submitted, *more = SCENARIOS["a_bundle_in_quarantine"][1]()
    assert decide(wanted, submitted, *more).counts()["pass"] == sum(len(unit.checks) for unit in wanted.plan.units)


def test_every_planned_check_is_in_the_run_whatever_is_missing() -> None:
    wanted, submitted, *more = SCENARIOS["no_bundle_at_all"][1]()
    run = decide(wanted, submitted, *more)
    assert {v.check for v in run.verdicts} == {check for unit in wanted.plan.units for check in unit.checks}
    assert run.counts()["not measured"] == run.planned_checks
