"""The fuzz session: damaged packages by the thousand. Not collected with the tests; `nox -s fuzz` runs it.

SDQA_FUZZ_EXAMPLES sets how many damaged copies of each package are tried.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .mutations import attempt, damage
from .subjects import SUBJECTS

EXAMPLES = int(os.environ.get("SDQA_FUZZ_EXAMPLES", "400"))


@pytest.mark.parametrize("subject", sorted(SUBJECTS))
def test_a_damaged_package_gives_an_answer_or_a_typed_error(
    subject: str, subjects: dict[str, Path], tmp_path: Path, record_property: pytest.RecordProperty
) -> None:
    outcomes: dict[str, int] = {}

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.integers(0, 2**32 - 1))
    def try_one(seed: int) -> None:
        package = tmp_path / f"{'x' * (1 + seed % 2)}.mlpackage"
        damage(subjects[subject], package, seed)
        outcome = attempt(package)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1

    try_one()
    record_property("outcomes", outcomes)
    print(f"{subject}: {dict(sorted(outcomes.items()))}")  # noqa: T201  the session's report
