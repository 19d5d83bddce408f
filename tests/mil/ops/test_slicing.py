"""Slices against numpy's, and against coremltools' value inference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .oracle import inferred, numbers, run, same

CASES: list[dict[str, Any]] = [
    {"begin": [1, 0], "end": [3, 4]},
    {"begin": [-3, -2], "end": [-1, 5]},
    {"begin": [0, 0], "end": [4, 5], "stride": [2, 3]},
    {"begin": [3, 4], "end": [0, 0], "stride": [-1, -2]},
    {"begin": [3, 4], "end": [0, 0], "stride": [-1, -2], "end_mask": [True, True]},
    {"begin": [9, 9], "end": [2, 3], "begin_mask": [True, True]},
    {"begin": [1, -2], "end": [0, 0], "squeeze_mask": [True, False], "end_mask": [False, True]},
    {"begin": [0, -1], "end": [4, 0], "squeeze_mask": [False, True]},
    {"begin": [2, 1], "end": [2, 3]},
]


@pytest.mark.parametrize("case", CASES)
def test_slice_by_index(case: dict[str, Any]) -> None:
    x = numbers(4, 5)
    same(run("slice_by_index", x=x, **case), inferred("slice_by_index", x=x, **case))


@pytest.mark.parametrize("case", CASES[:-1])
def test_slice_update(case: dict[str, Any]) -> None:
    x = numbers(4, 5)
    update = numbers(*run("slice_by_index", x=x, **case).shape, seed=1)
    actual = run("slice_update", x=x, update=update, **case)
    same(actual, inferred("slice_update", "iOS18", x=x, update=update, **case))
    same(run("slice_by_index", x=actual, **case), update)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), shape=st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_slices_follow_numpy(data: st.DataObject, shape: list[int]) -> None:
    indices = st.integers(-7, 7)
    begin, end = ([data.draw(indices) for _ in shape] for _ in range(2))
    stride = [data.draw(st.sampled_from([-3, -2, -1, 1, 2, 3])) for _ in shape]
    begin_mask, end_mask = ([data.draw(st.booleans()) for _ in shape] for _ in range(2))
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    parts = tuple(
        slice(None if open_begin else b, None if open_end else e, s)
        for b, e, s, open_begin, open_end in zip(begin, end, stride, begin_mask, end_mask, strict=True)
    )
    arguments = {"begin": begin, "end": end, "stride": stride, "begin_mask": begin_mask, "end_mask": end_mask}
    same(run("slice_by_index", x=x, **arguments), x[parts])
    changed = x.copy()
    changed[parts] = -changed[parts]
    same(run("slice_update", x=x, update=-x[parts], **arguments), changed)


def test_slice_update_leaves_its_input_alone() -> None:
    import torch

    from sdqa.mil.registry import operation

    x, found = torch.zeros(3), operation("slice_update")
    assert found is not None
    found.run(x=x, update=torch.ones(2), begin=[0], end=[2])
    assert x.tolist() == [0, 0, 0]


def test_a_squeezed_index_outside_the_dimension_is_refused() -> None:
    with pytest.raises(IndexError, match="outside dimension 0"):
        run("slice_by_index", x=numbers(3), begin=[3], end=[0], squeeze_mask=[True])


def test_slices_of_the_wrong_rank_are_refused() -> None:
    with pytest.raises(ValueError, match="a slice of 2 dimensions"):
        run("slice_by_index", x=numbers(3, 3), begin=[0], end=[1])


@pytest.mark.parametrize(("begin", "size"), [([1, 2], [2, 3]), ([-2, 1], [1, -1]), ([0, 0], [-1, -1])])
def test_slice_by_size(begin: list[int], size: list[int]) -> None:
    x = numbers(4, 5)
    arguments: dict[str, Any] = {"begin": begin, "size": size}
    same(run("slice_by_size", x=x, **arguments), inferred("slice_by_size", x=x, **arguments))


def test_slice_by_size_refuses_what_does_not_fit() -> None:
    with pytest.raises((IndexError, RuntimeError)):
        run("slice_by_size", x=numbers(4), begin=[2], size=[3])


def test_crop() -> None:
    x = numbers(2, 3, 6, 5)
    same(run("crop", x=x, crop_height=[1, 2], crop_width=[0, 3]), x[:, :, 1:4, 0:2])
    with pytest.raises(ValueError, match="leaves nothing"):
        run("crop", x=x, crop_height=[3, 3], crop_width=[0, 0])
