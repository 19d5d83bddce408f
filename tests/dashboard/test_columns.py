"""Figures as packed columns come back as they were, whatever the runs' records name."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from sdqa.dashboard import database
from sdqa.dashboard.columns import NUMBERS, PLACE, pack, plain, together
from sdqa.dashboard.series import all_series, dated_runs
from sdqa.history import FigureColumns, add_records
from sdqa.history.places import HistoryFolder
from sdqa.history.records import Figure
from tests.history.records import record_at


def figure(metric: str, case: str, value: float | None, status: str = "pass") -> Figure:
    return Figure(metric, case, "", value, None, None, None, None, 0.05, None, 1, status, "", "lower")  # type: ignore[arg-type]


def test_numbers_come_back_and_what_is_none_stays_none() -> None:
    table = FigureColumns.of(
        [
            figure("a", "", 0.1)._replace(golden=0.3, difference=-0.2, n=2**53),
            figure("b", "c", math.nan, ""),
            figure("b", "d", -math.inf, "not measured"),
        ]
    )
    found = together([3, 5, 9], [(1, pack(table), [9, 3, 5])], runs=2)
    assert found.shape == (3, len(NUMBERS), 2)
    assert np.isnan(found[:, :, 0]).all()
    first = dict(zip(NUMBERS, plain(found[2, :, 1]), strict=True))
    assert first == {
        "value": 0.1, "golden": 0.3, "judged": -0.2, "low": None, "high": None, "bound": 0.05, "spread": None,
        "n": 2**53, "status": 1,
    }  # fmt: skip
    assert plain(found[:2, PLACE["value"], 1]) == [None, -math.inf]


def test_runs_that_name_other_figures_in_another_order_are_the_same_series(tmp_path: Path) -> None:
    tables = [
        [figure("a", "", 1.0), figure("a", "x", 10.0), figure("b", "", 2.0)],
        [figure("b", "", 3.0, "fail"), figure("a", "", 4.0)],
        [figure("a", "x", 50.0), figure("a", "", 5.0), figure("a", "", 6.0)],  # the first counts
    ]
    records = []
    for number, rows in enumerate(tables):
        base = record_at(number)
        own = base.lanes[0].model_copy(update={"figures": FigureColumns.of(rows)})
        records.append(base.model_copy(update={"lanes": (own,)}))
    place = HistoryFolder(tmp_path / "history")
    add_records(place, records)
    with database.opened(tmp_path / "index.sqlite") as connection:
        database.refresh(connection, place)
        a, b = all_series(connection, dated_runs(connection))
    assert [(one.run, one.value) for one in a.points] == [(0, 1.0), (1, 4.0), (2, 5.0)]
    assert (a.cases["x"].run, a.cases["x"].judged) == ((0, 2), (10.0, 50.0))
    assert [(one.run, one.value, one.status) for one in b.points] == [(0, 2.0, "pass"), (1, 3.0, "fail")]


def test_a_history_that_does_not_fit_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = HistoryFolder(tmp_path / "history")
    add_records(place, [record_at(number, 0.01 * number) for number in range(4)])
    with database.opened(tmp_path / "index.sqlite") as connection:
        database.refresh(connection, place)
        runs = dated_runs(connection)
        whole = list(all_series(connection, runs))
        monkeypatch.setattr("sdqa.dashboard.series.CELLS", 1)
        assert list(all_series(connection, runs)) == whole
    assert len(whole) == 2
