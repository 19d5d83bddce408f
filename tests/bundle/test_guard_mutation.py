"""Every guard of what reads and merges strangers' bundles is held: with any condition taken away, something differs."""

from __future__ import annotations

import itertools
import os
import types
from pathlib import Path
from typing import Any

import pytest

from sdqa.bundle import Bundle, CaseInputs, Environment, Failure, Film, FilmFrame, Run, files, folder, merge
from sdqa.bundle.diagnosis import Diagnosis
from sdqa.bundle.facts import SampleFacts
from sdqa.bundle.records import Sample
from sdqa.store import canonical_json
from tests.builders import lane_record, run_record, verdicts_of
from tests.ci.mutants import Scenario, unnoticed

TABLE = Path(__file__).parent / "recorded" / "inline"


def test_files_of_strangers(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "file").write_bytes(b"abc")
    (tmp_path / "outside").write_bytes(b"abc")
    (inside / "link").symlink_to(tmp_path / "outside")
    os.mkfifo(inside / "fifo")

    def read(name: str, limit: int = 3, *, held: bool = True) -> Scenario:
        return lambda module: module.read_regular(inside / name, limit, within=inside if held else None)

    scenarios = [read("file"), read("file", 2), read("link"), read("link", held=False), read("fifo")]
    assert unnoticed(files, scenarios) == []


def test_what_a_bundle_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder.sensitivity, "MAX_BYTES", 10_000)
    bundle = Bundle(tmp_path)
    blob = bundle.add_blob(b"abc", "text/plain")
    table = bundle.add_blob(canonical_json(Bundle(TABLE).read().to_json()["sensitivity"]).encode(), "application/json")
    bundle.write(run_record(lane_record("a", *verdicts_of("a", "pass", "pass"))))
    short, other = blob.sha256[:10], "0" * 64
    (tmp_path / "blobs" / short).write_bytes(b"abc")
    (tmp_path / "blobs" / other).write_bytes(b"abc")

    def read_blob(**fields: Any) -> Scenario:
        return lambda module: module.Bundle(tmp_path).read_blob(blob.model_copy(update=fields))

    def added_again(module: types.ModuleType) -> object:
        before = (tmp_path / blob.path).stat().st_ino
        module.Bundle(tmp_path).add_blob(b"abc", "text/plain")
        return (tmp_path / blob.path).stat().st_ino == before

    numbers = itertools.count()

    def added(module: types.ModuleType) -> object:
        fresh = tmp_path / f"fresh-{next(numbers)}"
        return (fresh / module.Bundle(fresh).add_blob(b"abc", "text/plain").path).exists()

    def table_of(**fields: Any) -> Scenario:
        return lambda module: module.Bundle(tmp_path).sensitivity_of(run_record(**fields))

    def too_many(module: types.ModuleType) -> object:
        monkeypatch.setattr(module, "MAX_VERDICTS", 1)
        return module.Bundle(tmp_path).read()

    def named(run: Run) -> Scenario:
        return lambda module: list(module.blobs_of(run))

    film = Film(total=1, latents=blob, frames=(FilmFrame(step=1, candidate=blob),))
    sample = Sample(case="c", facts=SampleFacts(latents=blob, film=film))
    scenarios = [
        read_blob(),
        read_blob(sha256=short),
        read_blob(bytes=-1),
        read_blob(bytes=4),
        read_blob(sha256=other),
        added,
        added_again,
        table_of(),
        table_of(sensitivity_table=table),
        table_of(sensitivity_table=table.model_copy(update={"bytes": 20_000})),
        too_many,
        named(run_record(lane_record("a", samples=(sample, Sample(case="d"))), sensitivity_table=blob)),
        named(run_record()),
    ]
    try:
        assert unnoticed(folder, scenarios) == []
    finally:
        monkeypatch.undo()


def ran(name: str, *statuses: Any, **fields: Any) -> Any:
    return lane_record(name, *verdicts_of(name, *(statuses or ("pass",))), **fields)


def skipped(name: str) -> Any:
    return lane_record(name, status="skipped")


def test_merging(tmp_path: Path) -> None:
    inline, origin = Bundle(TABLE).read().sensitivity, Bundle(TABLE).read().provenance
    table = Bundle(tmp_path).add_blob(b"{}", "application/json")
    linux, mac = Environment(system="Linux"), Environment(system="Darwin")
    cases = {"c": CaseInputs(prompt="a cat")}
    planned = ran("a", planned=("a/0",))
    broken = Failure(stage="s", where="w", code="c", message="m", exit_code=3)
    one, two = Diagnosis(lane="a", verdict="x"), Diagnosis(lane="b", verdict="y")
    groups: list[list[Run]] = [
        [],
        [run_record(ran("a"), cases=cases), run_record(ran("b"), cases=cases)],
        [run_record(ran("a"), cases=cases), run_record(ran("b"))],
        [run_record(ran("a")), run_record(ran("b"), suite_digest="e")],
        [run_record(ran("a")), run_record(ran("b"), sdqa_version="9")],
        [run_record(ran("a"), status="incomplete"), run_record(ran("b"))],
        [run_record(ran("a"), skipped("b")), run_record(skipped("a"), ran("b"))],
        [run_record(skipped("a")), run_record(skipped("a"))],
        [run_record(ran("a"), environment=linux), run_record(ran("b"), environment=mac)],
        [run_record(ran("a"), skipped("b"), environment=linux), run_record(ran("a"), skipped("b"), environment=mac)],
        [run_record(ran("a"), sensitivity=inline), run_record(ran("b"))],
        [run_record(ran("a"), sensitivity=inline), run_record(ran("b"), sensitivity_table=table)],
        [run_record(ran("a")), run_record(ran("b"), sensitivity=inline)],
        [run_record(ran("a"), diagnosis=one), run_record(ran("b"), diagnosis=two)],
        [run_record(ran("a"), diagnosis=one), run_record(ran("b"))],
        [run_record(planned, planned_checks=1), run_record(ran("b"), skipped("c"), planned_checks=5)],
        [run_record(ran("a", "fail")), run_record(ran("b"))],
        [run_record(ran("a", "not measured")), run_record(ran("b"))],
        [run_record(lane_record("a")), run_record(lane_record("b"))],
        [run_record(ran("a"), failures=(broken,)), run_record(ran("b"))],
        [run_record(ran("a"), provenance=origin), run_record(ran("b"))],
        [run_record(ran("a"), provenance=origin), run_record(ran("b"), provenance=origin)],
        [run_record(ran("a"), skipped("b"), planned_checks=5), run_record(ran("a"), planned_checks=5)],
        [run_record(ran("a"), exit_code=1, environment=linux), run_record(skipped("a"), environment=mac)],
    ]
    numbers = itertools.count()

    def merged(runs: list[Run]) -> Scenario:
        folders = [Bundle(tmp_path / f"part-{next(numbers)}") for _ in runs]
        for bundle, run in zip(folders, runs, strict=True):
            bundle.write(run)
            bundle.add_blob(b"{}", table.media_type)
        return lambda module: module.merge(folders, Bundle(tmp_path / "out")).to_json()

    def onto_itself(module: types.ModuleType) -> object:
        part = Bundle(tmp_path / "itself")
        part.write(run_record(ran("a")))
        return module.merge([part], part)

    def nothing_at_all(module: types.ModuleType) -> object:
        facts = {"sdqa_version": "0", "suite": "s", "suite_digest": "d", "planned_checks": 0, "failures": ()}
        return module.combined_run([], (), status="incomplete", exit_code=4, **facts)

    scenarios = [*(merged(runs) for runs in groups), onto_itself, nothing_at_all]
    assert unnoticed(merge, scenarios) == []
