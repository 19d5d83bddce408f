"""A check that fails is red, whatever else is missing."""

from __future__ import annotations

from typing import Any

from tests.ci.honest import linux, mac
from tests.ci.scenarios.making import FP16, figure, honestly, scenario


@scenario(1)
def a_check_that_fails() -> Any:
    return [honestly(figure(linux(), FP16, "lpips", "cat", value=5.0), FP16), mac()]


@scenario(1)
def a_failed_check_outranks_a_missing_lane() -> Any:
    return [honestly(figure(linux(), FP16, "lpips", "cat", value=5.0), FP16)]


@scenario(1)
def measurements_beyond_the_limit_under_verdicts_that_say_pass() -> Any:
    return [figure(linux(), FP16, "lpips", "dog", value=3.0), mac()]


@scenario(1)
def an_older_attempt_that_passed_does_not_hide_a_newer_one_that_failed() -> Any:
    failed = honestly(figure(linux(origin={"attempt": 2}), FP16, "lpips", "cat", value=5.0), FP16)
    return [linux(), failed, mac()]


@scenario(1)
def an_older_run_that_passed_does_not_hide_a_newer_one_that_failed() -> Any:
    failed = honestly(figure(linux(origin={"run_id": "10"}), FP16, "lpips", "cat", value=5.0), FP16)
    return [linux(origin={"run_id": "9", "attempt": 3}), failed, mac(origin={"run_id": "10"})]


@scenario(1)
def a_budget_that_is_exceeded() -> Any:
    return [figure(linux(), FP16, "model_memory_bytes", None, value=5000.0), mac()]


@scenario(1)
def a_figure_that_is_no_number() -> Any:
    return [figure(linux(), FP16, "lpips", "cat", value=float("nan")), mac()]
