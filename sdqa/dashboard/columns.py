"""A lane's figures of one run as one value of the database, and those of many runs as one array.

A row a figure would be half a million rows for a thousand runs; a value a lane is written and read at once. Names stand
apart, in a layout that most runs of a lane share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from sdqa.history import FigureColumns

Floats = npt.NDArray[np.float64]
STATUSES = ("", "pass", "suspicious", "fail", "not measured", "not judged")
"""A status as a number: its place here."""
NUMBERS = ("value", "golden", "judged", "low", "high", "bound", "spread", "n", "status")
"""What is kept of a figure, in this order; NaN where there is none."""
PLACE = {name: place for place, name in enumerate(NUMBERS)}
_CODES = {status: float(code) for code, status in enumerate(STATUSES)}


def pack(table: FigureColumns) -> bytes:
    """The numbers of a lane's figures, one column after another, as little-endian float64."""
    judged = [v if d is None else d for v, d in zip(table.value, table.difference, strict=True)]
    codes = [_CODES[status] for status in table.status]
    columns = (table.value, table.golden, judged, table.low, table.high, table.limit, table.spread, table.n, codes)
    return np.array(columns, dtype="<f8").tobytes()  # None becomes NaN


def together(series: Sequence[int], lanes: Iterable[tuple[int, bytes, Sequence[int]]], runs: int) -> Floats:
    """Figures of many runs as one array: series × what is kept × runs, NaN where a run has none.

    Args:
        series: the wanted ones, ascending.
        lanes: index of a run, its packed figures, and the series of each in their order.
        runs: how many there are.
    """
    found = np.full((len(series), len(NUMBERS), runs), np.nan)
    wanted = np.array(series, dtype=np.int64)
    known: dict[int, tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]] = {}
    for run, data, layout in lanes:
        if id(layout) not in known:
            given = np.array(layout, dtype=np.int64)
            _, there, here = np.intersect1d(wanted, given, return_indices=True)
            known[id(layout)] = there, here
        there, here = known[id(layout)]
        numbers = np.frombuffer(data, dtype="<f8").reshape(len(NUMBERS), -1)
        found[there, :, run] = numbers[:, here].T
    return found


def statuses(codes: Iterable[float]) -> tuple[str, ...]:
    """Statuses of their numbers."""
    return tuple(STATUSES[int(code)] for code in codes)


def plain(numbers: Floats) -> list[float | None]:
    """Numbers as Python's own; None where there is none."""
    return [None if one != one else one for one in numbers.tolist()]
