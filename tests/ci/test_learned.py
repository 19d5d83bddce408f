"""What a job's start and a case's scoring take, told apart by jobs of different sizes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdqa.ci.learned import USUAL_START_S, SeenJobs, learned


@given(
    start=st.floats(0, 100),
    case=st.floats(0, 10),
    sizes=st.lists(st.integers(1, 200), min_size=2, max_size=6).filter(lambda sizes: max(sizes) >= 2 * min(sizes)),
)
def test_jobs_of_different_sizes_tell_start_and_scoring_apart(start: float, case: float, sizes: list[int]) -> None:
    found = learned([SeenJobs(1, size, start + case * size) for size in sizes])
    assert found is not None
    assert found.start_s == pytest.approx(start, abs=1e-3)
    assert found.case_s == pytest.approx(case, abs=1e-3)
    assert f"{len(sizes)} earlier jobs of {min(sizes)} to {max(sizes)} cases" in found.rests_on


def test_jobs_of_one_size_take_the_usual_start_and_say_so() -> None:
    found = learned([SeenJobs(1, 20, 30.0), SeenJobs(1, 22, 32.0)])
    assert found is not None
    assert (found.start_s, found.case_s) == (USUAL_START_S, pytest.approx((62 - 2 * USUAL_START_S) / 42))
    assert "of one size" in found.rests_on
    assert learned([]) is None


def test_a_job_shorter_than_the_usual_start_is_its_start() -> None:
    found = learned([SeenJobs(1, 3, 2.0)])
    assert found is not None
    assert (found.start_s, found.case_s) == (2.0, 0.0)


@pytest.mark.parametrize("rests", [(10.0, 5.0), (1.0, 9.0)])
def test_nothing_is_expected_to_take_less_than_no_time(rests: tuple[float, float]) -> None:
    """Noise can make a line that falls, or one that begins below zero; the sum of what was seen stays what it was."""
    found = learned([SeenJobs(1, 2, rests[0]), SeenJobs(1, 10, rests[1])])
    assert found is not None
    assert min(found.start_s, found.case_s) == 0
    assert 2 * found.start_s + 12 * found.case_s == pytest.approx(sum(rests))


def test_of_a_merged_report_the_sum_counts() -> None:
    found = learned([SeenJobs(4, 40, 4 * 6 + 40 * 0.5), SeenJobs(1, 40, 6 + 40 * 0.5)])
    assert found is not None
    assert (found.start_s, found.case_s) == (pytest.approx(6), pytest.approx(0.5))
