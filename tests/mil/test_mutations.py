"""A few damaged packages of every kind on each run of the tests; the fuzz session tries many more."""

from __future__ import annotations

from pathlib import Path

import pytest

from .mutations import attempt, damage
from .subjects import SUBJECTS


@pytest.mark.parametrize("subject", sorted(SUBJECTS))
def test_sound_packages_give_an_answer(subject: str, subjects: dict[str, Path]) -> None:
    assert attempt(subjects[subject]) == "answer"


@pytest.mark.parametrize("subject", sorted(SUBJECTS))
def test_damaged_packages_give_an_answer_or_a_typed_error(
    subject: str, subjects: dict[str, Path], tmp_path: Path
) -> None:
    outcomes = set()
    for seed in range(25):
        damage(subjects[subject], tmp_path / "x.mlpackage", seed)
        outcomes.add(attempt(tmp_path / "x.mlpackage"))
    assert len(outcomes) > 1
