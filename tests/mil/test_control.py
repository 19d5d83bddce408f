"""Branches, loops and lists."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from coremltools.converters.mil import Builder as mb

from sdqa import mil
from sdqa.errors import ExecutionError
from sdqa.mil import execute
from sdqa.mil.ops import control_flow

from .conftest import Convert


def test_a_branch_sees_the_values_around_it(convert: Convert) -> None:
    @mb.program(input_specs=[mb.TensorSpec(shape=(1,))])
    def program(x: Any) -> Any:
        doubled = mb.mul(x=x, y=2.0)
        positive = mb.squeeze(x=mb.greater(x=x, y=0.0))
        return mb.cond(
            pred=positive, _true_fn=lambda: mb.add(x=doubled, y=1.0), _false_fn=lambda: mb.sub(x=x, y=1.0), name="y"
        )

    loaded = mil.load(convert(program, "cond"))
    (name,) = (feature.name for feature in loaded.outputs)
    assert loaded.predict({"x": [3.0]})[name].tolist() == [7]
    assert loaded.predict({"x": [-3.0]})[name].tolist() == [-4]
    _, seen = loaded.predict({"x": [3.0]}, capture="all")
    assert len(seen) < sum(len(record.outputs) for record in loaded.operations)


def test_a_loop_runs_until_its_condition_fails(convert: Convert) -> None:
    @mb.program(input_specs=[mb.TensorSpec(shape=(1,)), mb.TensorSpec(shape=(1,))])
    def program(start: Any, step: Any) -> Any:
        def holds(total: Any, count: Any) -> Any:
            return mb.squeeze(x=mb.less(x=total, y=10.0))

        def body(total: Any, count: Any) -> Any:
            return mb.add(x=total, y=step), mb.add(x=count, y=1.0)

        return mb.while_loop(_cond=holds, _body=body, loop_vars=(start, mb.mul(x=start, y=0.0)))

    loaded = mil.load(convert(program, "while"))
    result = [value.tolist() for value in loaded.predict({"start": [0.0], "step": [3.0]}).values()]
    assert sorted(result) == [[4.0], [12.0]]


def test_a_loop_that_never_ends_is_stopped(convert: Convert, monkeypatch: pytest.MonkeyPatch) -> None:
    @mb.program(input_specs=[mb.TensorSpec(shape=(1,))])
    def program(x: Any) -> Any:
        return mb.while_loop(
            _cond=lambda a: mb.squeeze(x=mb.less(x=a, y=10.0)), _body=lambda a: mb.mul(x=a, y=1.0), loop_vars=(x,)
        )

    monkeypatch.setattr(execute, "MAX_NESTED_RUNS", 50)
    loaded = mil.load(convert(program, "endless"))
    with pytest.raises(ExecutionError, match="did not end within 50"):
        loaded.predict({"x": [1.0]})


def test_lists(convert: Convert) -> None:
    @mb.program(input_specs=[mb.TensorSpec(shape=(2,))])
    def program(x: Any) -> Any:
        ls = mb.make_list(init_length=3, elem_shape=(2,), dynamic_length=True)
        ls = mb.list_write(ls=ls, index=0, value=x)
        ls = mb.list_scatter(
            ls=ls, indices=[1, 2], value=mb.stack(values=(mb.mul(x=x, y=2.0), mb.mul(x=x, y=3.0)), axis=0)
        )
        return mb.list_gather(ls=ls, indices=[2, 0], name="rows"), mb.list_read(ls=ls, index=1, name="row")

    result = mil.load(convert(program, "lists")).predict({"x": [1.0, 10.0]})
    assert result["rows"].tolist() == [[3, 30], [1, 10]]
    assert result["row"].tolist() == [2, 20]


def test_writing_a_list_leaves_the_old_one_alone() -> None:
    before = control_flow.make_list([2], init_length=2, dynamic_length=False)
    after = control_flow.list_write(before, 1, torch.ones(2))
    assert after.read(1).tolist() == [1, 1]
    assert before.read(1).tolist() == [0, 0]
    assert int(control_flow.list_length(after)) == 2
    with pytest.raises(IndexError, match="index 2"):
        control_flow.list_write(before, 2, torch.ones(2))


@pytest.mark.parametrize("length", [-1, 10**12])
def test_absurd_lists_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match="cannot have"):
        control_flow.make_list([2], init_length=length)
    with pytest.raises(ValueError, match="grow"):
        control_flow.list_write(control_flow.make_list([2]), np.int64(10**12), torch.ones(2))
