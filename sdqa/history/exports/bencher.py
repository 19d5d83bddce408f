"""Bencher Metric Format: one JSON document a run, benchmark → measure → value with its bounds.

`bencher run --adapter json --file FILE` takes one report at a time, so each run is a file of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sdqa.history.exports.document import write_json
from sdqa.history.files import encode
from sdqa.history.records import RecordedRun


def write(records: Iterator[RecordedRun], output: Path) -> str:
    """Write one file a run, named by time and key."""
    count = 0
    for record in records:
        report: dict[str, dict[str, dict[str, float]]] = {}
        for lane in record.lanes:
            for figure in lane.figures.rows():
                if figure.case or figure.value is None:
                    continue
                bounds = {"lower_value": figure.low, "upper_value": figure.high} if figure.difference is None else {}
                measure = {"value": figure.value, **{name: end for name, end in bounds.items() if end is not None}}
                place = f"{lane.id}/{figure.component}" if figure.component else lane.id
                report.setdefault(place, {})[figure.metric] = measure
        name = encode(record)[0].rsplit("/", 1)[-1].removesuffix(".json.gz")
        write_json(output / f"{name}.json", report)
        count += 1
    return f"{output}: {count} reports"
