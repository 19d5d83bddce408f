"""airspeed velocity's results: `<machine>/<commit>-sdqa.json` of version 2, and `benchmarks.json`.

asv plots by commit, so runs without one are left out; of several runs of one commit on one machine the newest counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sdqa.history.exports.document import write_json
from sdqa.history.making import machine_digest
from sdqa.history.records import Figure, RecordedLane, RecordedRun, utc

COLUMNS = ["result", "params", "version", "started_at", "duration"]
ENVIRONMENT = "sdqa"


def write(records: Iterator[RecordedRun], output: Path) -> str:
    """Write the folder that `asv publish` reads as its `results_dir`."""
    results: dict[tuple[str, str], dict[str, object]] = {}
    machines: dict[str, RecordedLane] = {}
    benchmarks: dict[str, object] = {}
    left_out = 0
    for record in records:
        if not record.commit or record.fault:
            left_out += 1
            continue
        moment = int(utc(record.created).timestamp() * 1000)
        for lane in record.lanes:
            machine = machine_digest(lane)
            machines[machine] = lane
            figures: dict[str, object] = {}
            for figure in lane.figures.rows():
                if not figure.case and figure.value is not None:
                    name = _name(lane, figure)
                    figures[name] = [[figure.value], [], name, moment, None]
                    benchmarks[name] = _benchmark(name, figure)
            place = results.setdefault((machine, record.commit), {})
            place.update(figures)
            place.setdefault("", moment)
    for (machine, commit), found in results.items():
        write_json(
            output / machine / f"{commit[:8]}-{ENVIRONMENT}.json",
            {
                "version": 2,
                "commit_hash": commit,
                "env_name": ENVIRONMENT,
                "date": found.pop(""),
                "params": {"machine": machine, "python": ""},
                "python": "",
                "requirements": {},
                "env_vars": {},
                "result_columns": COLUMNS,
                "results": found,
                "durations": {},
            },
        )
    for machine, lane in machines.items():
        facts = lane.fingerprint
        said = {"arch": facts.machine, "cpu": facts.processor, "os": facts.system, "num_cpu": str(facts.cores or "")}
        write_json(output / machine / "machine.json", {"machine": machine, "ram": "", "version": 1, **said})
    write_json(output / "benchmarks.json", {**benchmarks, "version": 2})
    words = f"{output}: {len(results)} results of {len(benchmarks)} benchmarks"
    return f"{words}; {left_out} runs without a commit, or with a planted fault, are left out" if left_out else words


def _name(lane: RecordedLane, figure: Figure) -> str:
    parts = [lane.id, figure.component, figure.metric]
    return ".".join(re.sub(r"[^\w]+", "_", part) for part in parts if part)


def _benchmark(name: str, figure: Figure) -> dict[str, object]:
    kind = {"s": "time", "seconds": "time", "bytes": "memory", "B": "memory"}.get(figure.unit, "track")
    more = {"code": "", "name": name, "param_names": [], "params": [], "timeout": 60, "version": name}
    return {"type": kind, "unit": figure.unit or "unit", **more}
