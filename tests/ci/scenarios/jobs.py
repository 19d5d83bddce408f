"""Runs that were not whole, and jobs that did not succeed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sdqa.ci.expected import Expected
from sdqa.ci.needs import JobResult
from sdqa.ci.problem import problem
from tests.ci.honest import expected, linux, mac
from tests.ci.scenarios.making import FP16, figure, honestly, scenario


@scenario(4)
def a_run_that_was_narrowed() -> Any:
    return [linux(origin={"narrowed": ("1 of 27 checks of tiny/fp16 were selected",)}), mac()]


@scenario(4)
def a_run_that_was_interrupted() -> Any:
    return [linux(origin={"interrupted": True}), mac()]


@scenario(4)
def a_run_that_ended_in_an_error_that_nobody_knows() -> Any:
    return [linux(exit_code=3), mac()]


@scenario(4)
def a_run_with_a_failure_of_its_own() -> Any:
    return [linux(failures=(problem("somewhere", "something"),)), mac()]


@scenario(4)
def a_bundle_in_quarantine() -> Any:
    return [linux(), mac(), "run.json is not JSON"]


def jobs(**results: str) -> Expected:
    return expected(*(JobResult(job=name, result=result) for name, result in results.items()))


@scenario(4)
def a_job_was_cancelled() -> Any:
    return jobs(lanes="cancelled"), [linux(), mac()]


@scenario(4)
def a_job_failed_though_its_bundle_says_pass() -> Any:
    return jobs(lanes="failure"), [linux(), mac()]


@scenario(4)
def a_job_was_skipped() -> Any:
    return jobs(lanes="success", tests="skipped"), [linux(), mac()]


@scenario(1)
def a_job_failed_because_a_check_did() -> Any:
    return jobs(lanes="failure"), [honestly(figure(linux(), FP16, "lpips", "cat", value=5.0), FP16), mac()]


@scenario(4)
def a_bundle_from_a_job_that_nobody_waited_for() -> Any:
    return jobs(tests="success"), [linux(), mac()]


@scenario(4)
def no_jobs_result_was_given() -> Any:
    return replace(expected(), results=()), [linux(origin={"job": ""}), mac(origin={"job": ""})]


@scenario(4)
def the_artifacts_did_not_all_arrive() -> Any:
    return expected(), [linux(), mac()], problem("artifacts", "fetching the bundles ended as failure")


@scenario(4)
def an_older_attempt_that_passed_says_that_it_is_the_newer_one() -> Any:
    first = {"attempt": 3, "started": "2025-12-31T23:40:00+00:00"}
    failed = honestly(figure(linux(origin={"attempt": 2}), FP16, "lpips", "cat", value=5.0), FP16)
    return [failed, linux(origin=first), mac()]


@scenario(0)
def a_later_attempt_on_a_machine_whose_clock_is_slow() -> Any:
    slow = {"attempt": 2, "started": "2025-12-31T23:46:00+00:00"}
    return [linux(), linux(origin=slow), mac()]
