"""One row a figure, as Apache Parquet: what notebooks and warehouses read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sdqa.errors import ExtraMissing
from sdqa.history.making import machine_digest
from sdqa.history.records import Figure, RecordedRun, utc

BATCH = 200_000
"""Rows that are held at once."""


def write(records: Iterator[RecordedRun], output: Path) -> str:
    """Write the table, run by run.

    Raises:
        ExtraMissing: pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ExtraMissing("Parquet needs pyarrow", hint="pip install 'sdqa[parquet]'") from error
    text, real = pyarrow.string(), pyarrow.float64()
    of_run = dict.fromkeys(("suite", "commit", "ref", "pull_request", "version", "judge", "fault"), text)
    of_figure = {"metric": text, "case": text, "component": text}
    of_figure |= dict.fromkeys(("value", "golden", "difference", "low", "high", "limit", "spread"), real)
    of_figure |= {"n": pyarrow.int64(), "status": text, "unit": text, "better": text}
    assert tuple(of_figure) == Figure._fields
    moment = {"created": pyarrow.timestamp("us", tz="UTC")}
    schema = pyarrow.schema({**moment, **of_run, "lane": text, "fingerprint": text, **of_figure})
    output.parent.mkdir(parents=True, exist_ok=True)
    total = 0
    rows: list[tuple[object, ...]] = []
    with pyarrow.parquet.ParquetWriter(output, schema, compression="zstd") as writer:

        def flush() -> None:
            columns = zip(zip(*rows, strict=True), schema.types, strict=True)
            writer.write_table(pyarrow.table([pyarrow.array(cells, kind) for cells, kind in columns], schema))
            rows.clear()

        for record in records:
            whole = (record.suite, record.commit, record.ref, record.pull_request, record.sdqa_version, record.judge)
            for lane in record.lanes:
                place = (utc(record.created), *whole, record.fault, lane.id, machine_digest(lane))
                rows += [(*place, *figure) for figure in lane.figures.rows()]
            if len(rows) >= BATCH:
                total += len(rows)
                flush()
        total += len(rows)
        if rows:
            flush()
    return f"{output}: {total:,} figures"
