"""What became of the jobs that had to run: GitHub's `toJSON(needs)`, or the same in any other service's words."""

from __future__ import annotations

import re
from typing import Any

from sdqa.bundle import Record, documents
from sdqa.errors import UsageError

SUCCESS, SKIPPED = "success", "skipped"
MAX_BYTES = 2**20
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")


class JobResult(Record):
    """One job that the gate waited for."""

    job: str
    result: str  # success, failure, cancelled, skipped


def parse_results(text: str) -> tuple[JobResult, ...]:
    """The jobs of `toJSON(needs)`: `{"lanes": {"result": "success", "outputs": {}}, …}`; none of an empty text.

    Raises:
        UsageError: it is something else.
    """
    if not text.strip():
        return ()
    hint = "--results takes what GitHub's ${{ toJSON(needs) }} gives"
    if len(text) > MAX_BYTES:
        raise UsageError(f"the jobs' results are longer than {MAX_BYTES} characters", hint=hint)
    try:
        data: Any = documents.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the jobs' results are not JSON: {error}", hint=hint) from error
    if not isinstance(data, dict):
        raise UsageError("the jobs' results are not an object of jobs", hint=hint)
    found = []
    for name, job in data.items():
        result = job.get("result") if isinstance(job, dict) else None
        if not _NAME.fullmatch(name) or not isinstance(result, str):
            raise UsageError(f"a job's result cannot be read: {name[:80]!r}", hint=hint)
        found.append(JobResult(job=name, result=result))
    return tuple(found)
