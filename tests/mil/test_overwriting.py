"""States changed in place: never seen by anyone who still needs the old value, and no copy where nobody does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import coremltools as ct
import numpy as np
import pytest
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import types

from sdqa import mil
from sdqa.errors import ExecutionError
from sdqa.mil import plan

from .conftest import Convert

SHAPE = (4, 3)
Body = Callable[[Any, Any], Any]


def _row(value: Any, x: Any, at: int) -> Any:
    return mb.slice_update(x=value, update=x, begin=[at, 0], end=[at + 1, 3])


def _write(memory: Any, value: Any) -> Any:
    return mb.coreml_update_state(state=memory, value=value)


def plain(x: Any, memory: Any) -> Any:
    """A decoder's step: read, replace a row, write, look at all."""
    return mb.reduce_sum(x=_write(memory, _row(mb.read_state(input=memory), x, 1)), axes=[0], name="y")


def twice(x: Any, memory: Any) -> Any:
    """Two rows before the state is written."""
    rows = _row(_row(mb.read_state(input=memory), x, 1), mb.mul(x=x, y=np.float16(2)), 2)
    return mb.identity(x=_write(memory, rows), name="y")


def layers(x: Any, memory: Any) -> Any:
    """Two layers in one state: the second writes what it made of the first's."""
    first = _write(memory, _row(mb.read_state(input=memory), x, 0))
    seen = mb.reduce_sum(x=first, axes=[0], keep_dims=True)
    return mb.identity(x=_write(memory, _row(first, seen, 1)), name="y")


def scattered(x: Any, memory: Any) -> Any:
    """Rows by index."""
    old = mb.read_state(input=memory)
    return mb.identity(x=_write(memory, mb.scatter(data=old, indices=[2], updates=x, axis=0, mode="update")), name="y")


def scattered_along(x: Any, memory: Any) -> Any:
    """Single elements by index."""
    old = mb.read_state(input=memory)
    new = mb.scatter_along_axis(data=old, indices=np.int32([[3, 0, 1]]), updates=x, axis=0, mode="update")
    return mb.identity(x=_write(memory, new), name="y")


def scattered_nd(x: Any, memory: Any) -> Any:
    """Rows by index vectors."""
    old = mb.read_state(input=memory)
    return mb.identity(
        x=_write(memory, mb.scatter_nd(data=old, indices=np.int32([[1]]), updates=x, mode="update")), name="y"
    )


def old_value(x: Any, memory: Any) -> Any:
    """The old value is given too."""
    old = mb.read_state(input=memory)
    new = _write(memory, _row(old, x, 1))
    return mb.sub(x=new, y=old, name="y")


def old_view(x: Any, memory: Any) -> Any:
    """A view of the old value is needed after the write."""
    old = mb.read_state(input=memory)
    view = mb.transpose(x=mb.slice_by_index(x=old, begin=[1, 0], end=[3, 3]), perm=[1, 0])
    new = _write(memory, _row(old, x, 1))
    return mb.concat(values=[view, mb.transpose(x=new, perm=[1, 0])], axis=1, name="y")


def shifted(x: Any, memory: Any) -> Any:
    """What is written overlaps what it is taken from."""
    old = mb.read_state(input=memory)
    moved = mb.slice_update(x=old, update=mb.slice_by_index(x=old, begin=[1, 0], end=[4, 3]), begin=[0, 0], end=[3, 3])
    return mb.identity(x=_write(memory, _row(moved, x, 3)), name="y")


def unwritten(x: Any, memory: Any) -> Any:
    """The update is an output, and never written back."""
    new = _row(mb.read_state(input=memory), x, 1)
    return mb.add(x=new, y=mb.read_state(input=memory), name="y")


def read_between(x: Any, memory: Any) -> Any:
    """The state is read again before it is written."""
    new = _row(mb.read_state(input=memory), x, 1)
    again = mb.read_state(input=memory)
    return mb.sub(x=_write(memory, new), y=again, name="y")


def added(x: Any, memory: Any) -> Any:
    """A scatter that computes is rounded."""
    old = mb.read_state(input=memory)
    return mb.identity(x=_write(memory, mb.scatter(data=old, indices=[2], updates=x, axis=0, mode="add")), name="y")


def first_view_kept(x: Any, memory: Any) -> Any:
    """The first write's result is given; the second write must not reach it."""
    first = _write(memory, _row(mb.read_state(input=memory), x, 0))
    kept = mb.slice_by_index(x=first, begin=[0, 0], end=[4, 3])
    second = _write(memory, _row(first, mb.mul(x=x, y=np.float16(3)), 0))
    return mb.concat(values=[kept, second], axis=0, name="y")


IN_PLACE = (plain, twice, layers, scattered, scattered_along, scattered_nd)
COPIES = (old_value, old_view, unwritten, read_between, added)


def _package(convert: Convert, body: Body) -> Path:
    @mb.program(
        input_specs=[mb.TensorSpec((1, 3), dtype=types.fp16), mb.StateTensorSpec(SHAPE, dtype=types.fp16)],
        opset_version=ct.target.iOS18,
    )
    def program(x: Any, memory: Any) -> Any:
        return body(x, memory)

    return convert(program, f"overwriting_{body.__name__}", target=ct.target.iOS18, half=True)


def _run(package: Path, precision: str, *, fuse: bool = True) -> tuple[list[np.ndarray[Any, Any]], bool]:
    """What five steps give and leave, and whether the state's memory stayed where it was."""
    loaded = mil.load(package, precision=precision, fuse=fuse)
    state = loaded.make_state()
    state.write("memory", np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32))
    before = state.cells()["memory"].value
    given = np.random.default_rng(1).standard_normal((5, 1, 3))
    found = []
    for x in given:
        found += [loaded.predict({"x": x}, state=state)["y"], state.read("memory")]
    return found, state.cells()["memory"].value is before


@pytest.mark.parametrize("precision", ["declared", "float32", "native"])
@pytest.mark.parametrize("body", [*IN_PLACE, *COPIES, shifted, first_view_kept], ids=lambda body: body.__name__)
def test_results_are_those_of_copies(
    convert: Convert, body: Body, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = _package(convert, body)
    (found, _), (literal, _) = _run(package, precision), _run(package, precision, fuse=False)
    monkeypatch.setattr(plan, "find_overwriting", lambda _block: {})
    wanted, _ = _run(package, precision)
    for ours, plainly, theirs in zip(found, literal, wanted, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(plainly, theirs)


@pytest.mark.parametrize("body", IN_PLACE, ids=lambda body: body.__name__)
def test_a_cache_stays_where_it_is(convert: Convert, body: Body) -> None:
    assert _run(_package(convert, body), "declared")[1]


@pytest.mark.parametrize("body", [old_value, old_view, read_between], ids=lambda body: body.__name__)
def test_a_needed_old_value_is_copied(convert: Convert, body: Body) -> None:
    assert not _run(_package(convert, body), "declared")[1]


def test_what_was_captured_stays_what_it_was(convert: Convert) -> None:
    loaded = mil.load(_package(convert, plain))
    state = loaded.make_state()
    kept: list[Any] = []
    loaded.predict({"x": np.ones((1, 3))}, lambda _record, _name, value: kept.append((value, value.clone())), state)
    loaded.predict({"x": np.full((1, 3), 2.0)}, state=state)
    loaded.predict({"x": np.full((1, 3), 3.0)}, state=state)
    assert all(value.equal(copy) for value, copy in kept)


def test_a_refused_index_leaves_the_state_alone(convert: Convert) -> None:
    @mb.program(
        input_specs=[
            mb.TensorSpec((1, 3), dtype=types.fp16),
            mb.TensorSpec((1,), dtype=types.int32),
            mb.StateTensorSpec(SHAPE, dtype=types.fp16),
        ],
        opset_version=ct.target.iOS18,
    )
    def program(x: Any, at: Any, memory: Any) -> Any:
        old = mb.read_state(input=memory)
        return mb.identity(
            x=_write(memory, mb.scatter(data=old, indices=at, updates=x, axis=0, mode="update")), name="y"
        )

    loaded = mil.load(convert(program, "overwriting_refused", target=ct.target.iOS18, half=True))
    state = loaded.make_state()
    with pytest.raises(ExecutionError, match="indices between"):
        loaded.predict({"x": np.ones((1, 3)), "at": np.int32([9])}, state=state)
    assert not state.read("memory").any()
