"""Whatever a foreign run.json says, it is a page or one typed error, never a trace."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdqa.bundle import Bundle, Run
from sdqa.bundle.documents import MAX_DEPTH
from sdqa.errors import BundleError
from sdqa.report.html import render_page
from sdqa.report.junit import junit_xml
from sdqa.report.summary import summary_markdown
from sdqa.report.terminal import console_for, print_run

RECORDED = Path(__file__).parent / "recorded" / "run.json"
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), 2**64, 1e308, -1e308])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["NaN", "Infinity", "-Infinity", "<script>", "\x00", "0" * 400])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def places(data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place of a document."""
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


PLACES = places(json.loads(RECORDED.read_text(encoding="utf-8")))[1:]


def value_at(data: Any, place: tuple[str | int, ...]) -> object:
    """What stands in one place of a document."""
    for part in place:
        data = data[part]
    return data


def put(data: Any, place: tuple[str | int, ...], value: object) -> None:
    """Another value in one place of a document."""
    for part in place[:-1]:
        data = data[part]
    data[place[-1]] = value


def read(folder: Path, data: Any) -> Run | None:
    """The run that a document tells of; None where it is refused."""
    (folder / "run.json").write_text(json.dumps(data), encoding="utf-8")
    try:
        return Bundle(folder).read()
    except BundleError:
        return None


def show(folder: Path, run: Run) -> None:
    """Everything that people read of a run, and the run written again."""
    assert "</html>" in render_page(Bundle(folder), run)
    assert summary_markdown(run)
    assert junit_xml(run)
    with (folder / "terminal.txt").open("w", encoding="utf-8") as stream:
        print_run(run, console_for(stream))
    Bundle(folder).write(run)
    assert Bundle(folder).read().identity() == run.identity()


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.sampled_from(PLACES), JSON)
def test_any_value_in_any_place_is_shown_or_refused(
    tmp_path: Path, place: tuple[str | int, ...], value: object
) -> None:
    data = json.loads(RECORDED.read_text(encoding="utf-8"))
    put(data, place, value)
    run = read(tmp_path, data)
    if run is not None:
        show(tmp_path, run)


def kinds_of_places() -> dict[tuple[str, ...], tuple[str | int, ...]]:
    """One place of each kind: `lanes/*/packages/*/bytes` once."""
    return {tuple("*" if isinstance(part, int) else part for part in place): place for place in PLACES}


@pytest.mark.parametrize("value", [2**64, "NaN", "-Infinity", "\x00\x1b[31m<b>"], ids=repr)
def test_a_nasty_value_wherever_it_may_stand_is_shown(tmp_path: Path, value: object) -> None:
    kinds = kinds_of_places()
    whole = json.loads(RECORDED.read_text(encoding="utf-8"))
    taken = 0
    for place in kinds.values():
        data = copy.deepcopy(whole)
        put(data, place, value)
        if not isinstance(value_at(whole, place), dict | list) and read(tmp_path, data) is not None:
            whole, taken = data, taken + 1
    run = read(tmp_path, whole)
    assert run is not None
    assert taken > 20, "many fields take it"
    show(tmp_path, run)


def test_a_whole_number_without_end_is_refused(tmp_path: Path) -> None:
    data = json.loads(RECORDED.read_text(encoding="utf-8"))
    for place in kinds_of_places().values():
        if type(value_at(data, place)) is int:
            put(changed := copy.deepcopy(data), place, 10**400)
            assert read(tmp_path, changed) is None, place


@pytest.mark.parametrize("depth", [50, 200, 300, 900])
@pytest.mark.parametrize("where", ["environment", "diagnosis", "cases"])
def test_depth_is_kept_or_refused(tmp_path: Path, depth: int, where: str) -> None:
    data: Any = json.loads(RECORDED.read_text(encoding="utf-8"))
    deep = '{"a":' * depth + "1" + "}" * depth
    data[where]["deep"] = "MARK"
    text = json.dumps(data).replace('"MARK"', deep)
    (tmp_path / "run.json").write_text(text, encoding="utf-8")
    if depth > MAX_DEPTH:
        with pytest.raises(BundleError, match="nested deeper"):
            Bundle(tmp_path).read()
        return
    run = Bundle(tmp_path).read()
    assert "</html>" in render_page(Bundle(tmp_path), run)
    assert run.identity()
