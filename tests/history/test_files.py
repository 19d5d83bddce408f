"""A record on disk: the same bytes for the same record, and nothing of a stranger's file is believed."""

from __future__ import annotations

import gzip
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdqa.bundle.files import Refused
from sdqa.history import FigureColumns, RecordedRun
from sdqa.history.files import MAX_FILE_BYTES, NAME, decode, encode
from sdqa.history.records import Figure
from tests.history.records import record_at

FIGURES = st.builds(
    Figure,
    metric=st.text(max_size=12),
    case=st.text(max_size=12),
    component=st.text(max_size=5),
    value=st.none() | st.floats(),
    golden=st.none() | st.floats(),
    difference=st.none() | st.floats(),
    low=st.none() | st.floats(),
    high=st.none() | st.floats(),
    limit=st.none() | st.floats(),
    spread=st.none() | st.floats(),
    n=st.integers(0, 2**53),
    status=st.sampled_from(["", "pass", "fail", "not measured"]),
    unit=st.text(max_size=5),
    better=st.sampled_from(["higher", "lower", "none"]),
)


def test_name_and_bytes_follow_from_the_record() -> None:
    name, data = encode(record_at(3))
    assert NAME.fullmatch(name)
    assert name.startswith("runs/2026/01/20260101T030000Z-")
    assert (name, data) == encode(record_at(3))
    assert data[4:8] == b"\0\0\0\0"  # no time of packing
    assert decode(name, data) == record_at(3)


@settings(max_examples=20, deadline=None)
@given(st.lists(FIGURES, max_size=6))
def test_any_figures_come_back_as_they_were(rows: list[Figure]) -> None:
    def plain(row: Figure) -> list[object]:
        return ["NaN" if isinstance(one, float) and math.isnan(one) else one for one in row]

    lane = record_at(1).lanes[0].model_copy(update={"figures": FigureColumns.of(rows)})
    record = record_at(1).model_copy(update={"lanes": (lane,)})
    found = decode(*encode(record))
    assert [plain(row) for row in found.lanes[0].figures.rows()] == [plain(row) for row in rows]
    assert encode(found) == encode(record)


def changed(**fields: object) -> bytes:
    data = {**json.loads(record_at(1).model_dump_json()), **fields}
    return gzip.compress(json.dumps(data).encode(), mtime=0)


def uneven() -> bytes:
    data = json.loads(record_at(1).model_dump_json())
    data["lanes"][0]["figures"]["value"].append(1.0)
    return gzip.compress(json.dumps(data).encode(), mtime=0)


HARMFUL = {
    "nothing": b"",
    "no gzip": b"{}",
    "cut off": encode(record_at(1))[1][:-9],
    "more behind": encode(record_at(1))[1] + b"more",
    "no JSON": gzip.compress(b"\xff\xfe"),
    "not a record": gzip.compress(b"[]"),
    "deep": gzip.compress(b"[" * 10**6),
    "a bomb": gzip.compress(b" " * 2**26),
    "too large": b"\0" * (MAX_FILE_BYTES + 1),
    "a later version": changed(schema_version=2),
    "a field that nobody knows": changed(more=1),
    "no time": changed(created="yesterday"),
    "a time out of every calendar": changed(created="0001-01-01T00:00:00+14:00"),
    "a script for an address": changed(report="javascript:alert(1)"),
    "an address that ends a tag": changed(ci="https://example.org/\"><script>"),
    "no commit": changed(commit="<b>"),
    "a text without end": changed(suite="x" * 10**6),
    "another's name": changed(suite="another"),
    "uneven columns": uneven(),
}  # fmt: skip


@pytest.mark.parametrize("what", HARMFUL)
def test_what_is_no_record_is_refused(what: str) -> None:
    with pytest.raises(Refused):
        decode(encode(record_at(1))[0], HARMFUL[what])


def test_a_run_of_446_verdicts_is_small() -> None:
    figures = [
        Figure(f"metric_{m}", f"case-{c}" if c else "", "", 0.0123 * m + c / 7, 0.5, None, 0.01, 0.02, 0.03, None, 11,
               "pass", "dB", "higher")
        for m in range(37) for c in range(12)
    ]  # fmt: skip
    lane = record_at(1).lanes[0].model_copy(update={"figures": FigureColumns.of(figures)})
    record = record_at(1).model_copy(update={"lanes": (lane,)})
    assert isinstance(record, RecordedRun)
    assert len(encode(record)[1]) < 8_000
