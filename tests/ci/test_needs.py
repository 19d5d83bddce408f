"""What became of the jobs, as GitHub's `toJSON(needs)` says it and as nobody should."""

from __future__ import annotations

import json

import pytest

from sdqa.ci.needs import JobResult, parse_results
from sdqa.errors import UsageError


def test_what_github_gives() -> None:
    text = json.dumps(
        {"lanes": {"result": "success", "outputs": {"x": "1"}}, "tests": {"result": "skipped", "outputs": {}}}
    )
    assert parse_results(text) == (
        JobResult(job="lanes", result="success"),
        JobResult(job="tests", result="skipped"),
    )


@pytest.mark.parametrize("text", ["", " \n", "{}"])
def test_nothing_is_no_job(text: str) -> None:
    assert parse_results(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "success",
        "[]",
        '"success"',
        '{"lanes": "success"}',
        '{"lanes": {}}',
        '{"lanes": {"result": 1}}',
        '{"../../x": {"result": "success"}}',
        '{"": {"result": "success"}}',
        '{"a\\nb": {"result": "success"}}',
        "[" * 10**5,
        '{"lanes": {"result": "success"}}' + " " * 2**20,
        '{"lanes": {"result": "failure"}, "lanes": {"result": "success"}}',
        '{"lanes": {"result": "failure", "result": "success"}}',
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="result"):
        parse_results(text)
