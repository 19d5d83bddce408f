"""Every field of a bundle is judged, or stands on a short list of what is only shown or taken as measured.

Each field of an honest bundle is altered, one at a time: what stays green must be on the list, and what is on the list
must stay green. A field that a later release adds is judged, or gets its line here.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from sdqa.bundle import Record, Run, documents
from sdqa.ci.decide import decide
from sdqa.ci.expected import Expected
from sdqa.ci.intake import take
from tests.ci import honest

WHOLE_RECORDS = {
    "Verdict": "a machine's own verdicts are advice: all are given again; ids and failures are held against ours",
    "Estimate": "a roofline estimate never gates, and says so",
    "DeviceEstimate": "part of it",
    "Failure": "whoever has one is red; its words are shown",
    "Diagnosis": "what broke a lane that is red already",
    "Film": "pictures of the latents on their way, read by digest",
    "Sensitivity": "what the gate was seen to catch, measured by another verb",
    "Mac": "described by itself; the fingerprint that has it is bound to every figure of the machine",
    "ComputePlan": "what Core ML promises; what it did is measured apart",
    "PlacementFinding": "the lint's words; what follows from them is leaving_share",
    "JudgeChange": "the gate makes its own",
    "JudgeComparison": "the gate makes its own",
    "Orphan": "the gate makes its own",
    "Bill": "the gate makes its own",
}
"""Records of which nothing is judged, and why."""
SHOWN = {
    "Run.planned_checks": "the gate counts its own",
    "Run.diagnosis": "what broke a lane that is red already",
    "Run.diagnoses": "the same",
    "Run.sensitivity": "what the gate was seen to catch",
    "Run.sensitivity_table": "the same, as a blob that is read by digest",
    "Run.sensitivity_tables": "the same",
    "Run.judge_changes": "the gate makes its own",
    "Run.judge_comparison": "the gate makes its own",
    "Run.orphans": "the gate makes its own",
    "Run.cost": "the gate makes its own",
    "Run.joined": "the gate judges again, joined or not",
    "Environment.release": "shown",
    "Environment.python": "shown",
    "Environment.plugins": "shown; the code of a metric is in its fingerprint",
    "Lane.reason": "words",
    "Lane.warnings": "words",
    "Lane.remarks": "words",
    "Lane.estimate": "never gates",
    "Lane.planned": "the plan's own count",
    "Lane.planned_first": "the same",
    "Package.name": "a name",
    "Package.digest": "a name: no machine's conversion is held against another's",
    "Package.operations": "shown",
    "PackageFacts.bit_widths": "shown",
    "PackageFacts.average_bits": "shown",
    "PackageFacts.histogram": "shown",
    "PackageFacts.conversion_seconds": "shown",
    "PackageFacts.conversion_peak_bytes": "shown",
    "PackageFacts.replayed_conversion_seconds": "shown",
    "PackageFacts.replayed_conversion_peak_bytes": "shown",
    "PackageFacts.neural_engine": "shown; a percentage that it belies is refused",
    "PackageFacts.compute_plans": "shown",
    "PackageCost.component": "a name, of a record that lies in the component's own",
    "PackageCost.weight_bytes_unpacked": "shown",
    "PackageCost.peak_live_bytes": "shown; a budget that it belies is refused",
    "PackageCost.flops": "shown; a percentage that it belies is refused",
    "PackageCost.bytes_moved": "shown",
    "PlacementLint.leaving_share": "shown; a percentage that it belies is refused",
    "PlacementLint.findings": "words",
    "WeightCoverage.unused": "shown",
    "SampleFacts.source_remarks": "words",
    "SampleFacts.film": "shown",
    "Measurement.reason": "words",
    "Measurement.measured_on": "words",
    "Measurement.spread": "shown; of a parity, held against its readings",
    "Measurement.n": "the same",
    "Provenance.repository": "shown",
    "Provenance.base": "shown",
    "Provenance.ref": "shown",
    "Provenance.labels": "shown",
    "Provenance.machine": "shown",
    "Provenance.replayed": "shown; each lane says it too",
    "Provenance.run_id": "which of two attempts is newer, where there are two",
    "Provenance.attempt": "the same",
    "Provenance.job": "whose result counts; one that nobody waited for is red",
}
TAKEN = {
    "Measurement.value": "what was measured, within what the metric can read and its own readings say",
    "Measurement.golden": "none, where the metric's limit is on the value; a difference without it is not measured",
    "Measurement.by_case": "the readings behind a figure that a whole lane may tell without them",
    "Measurement.replayed": "a time that is said to be an earlier run's is not judged",
}
METRICS = ("lpips", "parity_psnr", "coverage", "model_memory_bytes", "end_to_end_s", "package_bytes")
STRANGE = (-1, 0.5, 10**6, "other", "", (), ("x",), {"x": 1}, True)
GONE = object()
FAILED = {"stage": "generate", "where": "cat", "code": "SDQA-600", "message": "no golden", "exit_code": 4}
BEYOND = {"check": "tiny/fp16/cat/beauty", "metric": "beauty", "status": "pass"}
TELLING: dict[str, tuple[Any, ...]] = {
    "Run.status": ("incomplete",),
    "Run.failures": ([FAILED],),
    "Lane.status": ("incomplete", "skipped"),
    "Lane.failures": ([FAILED],),
    "Lane.verdicts": ([*honest.lane_of(honest.units()[0]).to_json()["verdicts"], BEYOND],),
}
"""What no strange value can be read as."""


def records(record: Record, path: tuple[Any, ...] = ()) -> Iterator[tuple[Record, tuple[Any, ...]]]:
    """A record and all in it, with the place of each in its JSON."""
    yield record, path
    for name in type(record).model_fields:
        value = getattr(record, name)
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, tuple) else ()
        places = [((name,), value), *(((name, key), one) for key, one in inner)]
        for place, one in places:
            if isinstance(one, Record):
                yield from records(one, (*path, *place))


def classes(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from classes(inner)


def reachable(model: type[BaseModel], known: dict[str, set[str]]) -> dict[str, set[str]]:
    """Every record that may be in another → its fields, without those of which nothing is judged."""
    if model.__name__ not in known and model.__name__ not in WHOLE_RECORDS:
        known[model.__name__] = set(model.model_fields)
        for field in model.model_fields.values():
            for inner in classes(field.annotation):
                reachable(inner, known)
    return known


def alterations(value: Any) -> Iterator[Any]:
    yield GONE
    yield None
    yield from STRANGE
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield from (value * 0.9, value * 1.1, value + 1, 0)


class Walk:
    """An honest bundle of one lane on disk, and what the gate says of it with one field altered."""

    def __init__(self, folder: Path) -> None:
        self.folder, wanted, unit = folder, honest.expected(), honest.units()[0]
        self.wanted: Expected = replace(wanted, plan=wanted.plan.model_copy(update={"units": (unit,)}))
        whole = honest.run_of(honest.lane_of(unit))
        self.run = whole.model_copy(update={"lanes": whole.lanes[:1]})
        self.document = self.run.to_json()
        honest.keep(folder, self.run)
        self.honest = take(folder)
        self.tried: dict[str, int] = {}

    def code(self, document: Any) -> int:
        """The gate's exit code on a bundle from disk."""
        (self.folder / "run.json").write_text(json.dumps(document), encoding="utf-8")
        return decide(self.wanted, [take(self.folder)]).exit_code

    def quick_code(self, document: Any) -> int:
        """The same where no blob is another."""
        run = Run.model_validate(document)
        return decide(self.wanted, [replace(self.honest, run=run)]).exit_code

    def altered(self, path: tuple[Any, ...], name: str, value: Any) -> Any:
        document: Any = copy.deepcopy(self.document)
        place = document
        for step in path:
            place = place[step]
        if value is GONE:
            place.pop(name, None)
        else:
            place[name] = list(value) if isinstance(value, tuple) else value
        return document

    def is_another(self, record: Record, name: str, value: Any) -> bool:
        """Whether the record can be read so, and says something else then: only that is for the gate to judge."""
        told = {key: one for key, one in record.to_json().items() if key != name}
        if value is not GONE:
            told[name] = value
        try:
            return type(record).model_validate(told) != record
        except ValidationError:
            return False

    def green(self) -> dict[str, list[str]]:
        """`Record.field` → the alterations that the gate passes."""
        found: dict[str, list[str]] = {}
        seen = set()
        for record, path in records(self.run):
            kind = type(record).__name__
            metric = getattr(record, "metric", "") if kind == "Measurement" else ""
            if kind in WHOLE_RECORDS or (kind, metric) in seen or (metric and metric not in METRICS):
                continue
            seen.add((kind, metric))
            for name in type(record).model_fields:
                self.tried.setdefault(f"{kind}.{name}", 0)
                code = self.code if kind == "Blob" or name == "schema_version" else self.quick_code
                for value in (*alterations(getattr(record, name)), *TELLING.get(f"{kind}.{name}", ())):
                    if not self.is_another(record, name, value):
                        continue
                    self.tried[f"{kind}.{name}"] += 1
                    if code(self.altered(path, name, value)) == 0:
                        said = "gone" if value is GONE else repr(value)
                        found.setdefault(f"{kind}.{name}", []).append(f"{metric} {said}".strip())
        return found


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    return Walk(tmp_path_factory.mktemp("walk") / "bundle")


def test_every_field_is_judged_or_on_the_list(walk: Walk) -> None:
    assert walk.code(walk.document) == 0
    green = walk.green()
    listed = SHOWN.keys() | TAKEN.keys()
    assert {name: how for name, how in green.items() if name not in listed} == {}
    fields = {f"{name}.{field}" for name, found in reachable(Run, {}).items() for field in found}
    assert walk.tried.keys() == fields, "a record that no honest bundle here has: tests/ci/honest.py"
    untried = {name for name, count in walk.tried.items() if not count}
    assert untried <= listed, "what these may say was not tried"
    assert listed <= green.keys() | untried, "these are judged, and need no line"


def test_nothing_is_said_twice(walk: Walk) -> None:
    text = documents.encode(walk.document).decode()
    (walk.folder / "run.json").write_text(text.replace('"exit_code": 0', '"exit_code": 1, "exit_code": 0', 1))
    assert decide(walk.wanted, [take(walk.folder)]).exit_code == 4
