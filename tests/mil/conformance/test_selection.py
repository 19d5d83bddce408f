"""Which tests the sample holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sdqa.mil.conformance.selection import draw

TESTS = [f"file.py::Test::big[{i}]" for i in range(500)] + [f"file.py::Test::small[{i}]" for i in range(3)] + ["one"]


def test_functions_with_many_cases_weigh_no_more_than_others() -> None:
    chosen = draw(TESTS, 7, 0)
    assert len(chosen) == 7
    assert sum("small" in test for test in chosen) == 3
    assert "one" in chosen


def test_a_seed_decides_and_cases_keep_their_order() -> None:
    assert draw(TESTS, 50, 1) == draw(list(TESTS), 50, 1)
    assert draw(TESTS, 50, 1) != draw(TESTS, 50, 2)
    chosen = draw(TESTS, 50, 1)
    assert chosen == sorted(chosen, key=TESTS.index)


@given(count=st.integers(0, 600), seed=st.integers(0, 5))
def test_the_sample_has_the_size_asked_for_without_repetition(count: int, seed: int) -> None:
    chosen = draw(TESTS, count, seed)
    assert len(chosen) == len(set(chosen)) == min(count, len(TESTS))
    assert set(chosen) <= set(TESTS)


def test_a_larger_sample_holds_the_smaller_one() -> None:
    assert set(draw(TESTS, 20, 3)) <= set(draw(TESTS, 40, 3))
