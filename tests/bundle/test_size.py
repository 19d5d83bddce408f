"""A run.json is no larger than what it says: nothing stands in it twice, and what earlier releases wrote is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sdqa.bundle import Bundle, Lane, Run
from sdqa.bundle.documents import encode_records
from sdqa.bundle.folder import blobs_of
from sdqa.bundle.merge import merge
from sdqa.ci.intake import take
from sdqa.errors import SdqaError
from sdqa.report import write_report
from sdqa.store import canonical_json
from tests.builders import lane_record, verdicts_of

INLINE = Path(__file__).parent / "recorded" / "inline"
"""A run with the sensitivity table in it and the planned ids beside the verdicts; its second lane is narrowed."""
IDENTITY = "3fe5a9e009d4a0b48a3b73db531394983a81aa67209ea9defdeb99314e1d6ccf"
"""As the release that wrote it computed it."""


def document() -> dict[str, Any]:
    data: dict[str, Any] = json.loads((INLINE / "run.json").read_text(encoding="utf-8"))
    return data


def with_table(bundle: Bundle, run: Run) -> Run:
    """The run as it is written now."""
    assert run.sensitivity is not None
    blob = bundle.add_blob(canonical_json(run.sensitivity.to_json()).encode(), "application/json")
    moved = run.model_copy(update={"sensitivity": None, "sensitivity_table": blob})
    bundle.write(moved)
    return moved


def test_a_bundle_with_the_table_in_it_is_read_reported_and_written_again(tmp_path: Path) -> None:
    old = Bundle(INLINE)
    run = old.read()
    assert run.identity() == IDENTITY
    assert [list(lane.planned) for lane in run.lanes] == [lane["planned"] for lane in document()["lanes"]]
    assert run.sensitivity is not None
    assert old.sensitivity_of(run) == run.sensitivity
    page = write_report(old, tmp_path / "page").html.read_text(encoding="utf-8")
    assert 'id="sensitivity"' in page
    Bundle(tmp_path).write(run)
    assert Bundle(tmp_path).read() == run


def test_the_table_lies_beside_the_run_and_every_reader_finds_it(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path / "one")
    run = with_table(bundle, Bundle(INLINE).read())
    assert bundle.read() == run
    assert bundle.sensitivity_of(run) == Bundle(INLINE).read().sensitivity
    assert list(blobs_of(run)) == [run.sensitivity_table]
    assert take(bundle.folder).run == run
    page = write_report(bundle, tmp_path / "page").html.read_text(encoding="utf-8")
    assert page.count('id="sensitivity"') == 1
    merged = Bundle(tmp_path / "merged")
    for parts in ([bundle, Bundle(INLINE)], [Bundle(INLINE), bundle]):
        assert merge(parts, merged).sensitivity_table == run.sensitivity_table
        assert merged.sensitivity_of(merged.read()) is not None


@pytest.mark.parametrize("damage", [b"{}", b"not JSON", None])
def test_a_table_that_is_damaged_is_quarantined_and_costs_no_page(tmp_path: Path, damage: bytes | None) -> None:
    bundle = Bundle(tmp_path)
    run = with_table(bundle, Bundle(INLINE).read())
    if damage is None:
        assert run.sensitivity_table is not None
        (tmp_path / run.sensitivity_table.path).unlink()
        assert take(tmp_path).run is None
    else:
        run = run.model_copy(update={"sensitivity_table": bundle.add_blob(damage, "application/json")})
        bundle.write(run)
    with pytest.raises(SdqaError):
        bundle.sensitivity_of(run)
    assert 'id="sensitivity"' not in write_report(bundle, tmp_path).html.read_text(encoding="utf-8")


def test_a_table_is_not_read_beyond_its_limit(tmp_path: Path) -> None:
    run = with_table(Bundle(tmp_path), Bundle(INLINE).read())
    assert run.sensitivity_table is not None
    huge = run.sensitivity_table.model_copy(update={"bytes": 2**26})
    with pytest.raises(SdqaError, match="is refused"):
        Bundle(tmp_path).sensitivity_of(run.model_copy(update={"sensitivity_table": huge}))


def test_planned_ids_that_the_verdicts_say_are_written_as_their_number() -> None:
    verdicts = verdicts_of("a", "pass", "fail", "pass")
    checks = tuple(one.check for one in verdicts)
    for planned, first in ((checks, 3), (checks[:2], 2), (checks[1:], None), ((*checks, "a/9"), None), ((), None)):
        lane = lane_record("a", *verdicts, planned=planned)
        data = lane.to_json()
        assert data.get("planned_first") == first
        assert ("planned" in data) == bool(planned and first is None)
        assert Lane.model_validate(data) == lane


@pytest.mark.parametrize(
    "wrong",
    [{"planned_first": 3}, {"planned_first": -1}, {"planned_first": 1, "planned": ["a/0"]}, {"planned_first": "1"}],
)
def test_a_number_that_counts_something_else_is_refused(wrong: dict[str, Any]) -> None:
    data = {**lane_record("a", *verdicts_of("a", "pass")).to_json(), **wrong}
    with pytest.raises(ValueError, match="planned_first"):
        Lane.model_validate(data)


def test_a_run_is_written_a_record_a_line_and_says_the_same() -> None:
    data = document()
    text = encode_records(data).decode()
    assert json.loads(text) == data
    lines = [line.strip() for line in text.splitlines()]
    for verdict in data["lanes"][0]["verdicts"]:
        assert sum(line.startswith("{") and f'"{verdict["check"]}"' in line for line in lines) == 1
    assert encode_records({"a": [], "b": {}}) == b'{\n "a": [],\n "b": {}\n}\n'


def test_what_the_embedded_suites_run_takes() -> None:
    """446 verdicts of the recorded kind and as many measurements stay below the bar of 400 KB."""
    data = document()
    lane = data["lanes"][0]
    each = len(encode_records(lane["verdicts"], 3)) + len(encode_records(lane["measurements"], 3))
    assert each / len(lane["verdicts"]) * 446 < 400_000
