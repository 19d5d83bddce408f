"""Merging the bundles of several machines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sdqa.bundle import (
    Bundle,
    CaseInputs,
    Environment,
    Lane,
    Measurement,
    Run,
    Sample,
    SampleFacts,
    Status,
    Verdict,
)
from sdqa.bundle.diagnosis import Diagnosis
from sdqa.bundle.folder import blobs_of
from sdqa.bundle.merge import merge
from sdqa.errors import BundleError, UsageError
from sdqa.report import write_report
from tests.builders import lane_record, run_record


def lane(name: str, status: str = "ran", verdict: Status | None = "pass", **fields: Any) -> Lane:
    verdicts = (Verdict(check=f"{name}/m", metric="m", status=verdict, value=1.0),) if verdict else ()
    return lane_record(name, *verdicts, status=status, **fields)


def skipped(name: str) -> Lane:
    return lane(name, "skipped", None, reason="for another machine")


def write(folder: Path, *lanes: Lane, **fields: Any) -> Bundle:
    bundle = Bundle(folder)
    bundle.write(run_record(*lanes, **{"environment": Environment(system=folder.name), **fields}))
    return bundle


def test_lanes_of_two_machines_become_one_complete_run(tmp_path: Path) -> None:
    linux = write(tmp_path / "linux", lane("a"), skipped("b"), planned_checks=1)
    mac = write(tmp_path / "mac", skipped("a"), lane("b"), planned_checks=1, created="2026-01-02T00:00:00Z")
    run = merge([linux, mac], Bundle(tmp_path / "out"))
    assert [(one.id, one.status) for one in run.lanes] == [("a", "ran"), ("b", "ran")]
    assert (run.status, run.exit_code, run.planned_checks) == ("complete", 0, 2)
    assert run.created == "2026-01-02T00:00:00Z"
    assert run.environment == {"a": Environment(system="linux"), "b": Environment(system="mac")}
    assert Bundle(tmp_path / "out").read() == run


def test_a_merged_run_is_read_again_and_can_be_merged_once_more(tmp_path: Path) -> None:
    linux, mac = write(tmp_path / "linux", lane("a")), write(tmp_path / "mac", lane("b"))
    first = merge([linux, mac], Bundle(tmp_path / "first"))
    assert Bundle(tmp_path / "first").read().machines == first.environment
    whole = merge([Bundle(tmp_path / "first"), write(tmp_path / "phone", lane("c"))], Bundle(tmp_path / "whole"))
    assert {place: one.system for place, one in whole.machines.items()} == {"a": "linux", "b": "mac", "c": "phone"}


def test_the_order_does_not_matter(tmp_path: Path) -> None:
    linux, mac = write(tmp_path / "linux", lane("a"), skipped("b")), write(tmp_path / "mac", lane("b"))
    one, other = merge([linux, mac], Bundle(tmp_path / "1")), merge([mac, linux], Bundle(tmp_path / "2"))
    assert one.identity() == other.identity()


def test_a_planned_lane_that_no_machine_ran_is_incomplete_evidence(tmp_path: Path) -> None:
    linux, other = write(tmp_path / "linux", lane("a"), skipped("b")), write(tmp_path / "other", lane("c"))
    run = merge([linux, other], Bundle(tmp_path / "out"))
    assert (run.status, run.exit_code) == ("incomplete", 4)


def test_a_lane_that_was_planned_elsewhere_is_missed_too(tmp_path: Path) -> None:
    run = merge([write(tmp_path / "a", lane("a"))], Bundle(tmp_path / "out"), planned=["a", "b"])
    assert run.exit_code == 4
    assert [(one.id, one.status) for one in run.lanes] == [("a", "ran"), ("b", "skipped")]


@pytest.mark.parametrize(
    ("verdict", "fields", "code"),
    [
        ("fail", {}, 1),
        ("fail", {"exit_code": 130, "status": "incomplete"}, 1),
        ("not measured", {}, 4),
        ("pass", {"exit_code": 130, "status": "incomplete"}, 130),
        ("pass", {"exit_code": 3}, 3),
        ("pass", {"exit_code": 4}, 4),
        ("pass", {"status": "incomplete"}, 4),
        (None, {}, 4),
        ("suspicious", {}, 0),
    ],
)
def test_the_exit_code_of_the_parts_is_not_lost(
    tmp_path: Path, verdict: Status | None, fields: dict[str, Any], code: int
) -> None:
    bad = write(tmp_path / "bad", lane("a", verdict=verdict), **fields)
    good = write(tmp_path / "good", lane("b", verdict="pass" if verdict else None))
    assert merge([good, bad], Bundle(tmp_path / "out")).exit_code == code


def test_the_same_lane_with_other_figures_is_refused(tmp_path: Path) -> None:
    one, other = write(tmp_path / "1", lane("a")), write(tmp_path / "2", lane("a", verdict="fail"))
    with pytest.raises(BundleError, match="lane a with different results"):
        merge([one, other], Bundle(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_of_the_same_lane_with_other_times_only_the_worse_count(tmp_path: Path) -> None:
    first = lane("a", measurements=(Measurement(metric="latency_ms", value=5.0),))
    second = lane("a", measurements=(Measurement(metric="latency_ms", value=6.0),))
    one, other = write(tmp_path / "1", first), write(tmp_path / "2", second)
    for order in ([one, other], [other, one]):
        assert merge(order, Bundle(tmp_path / "out")).lanes == (second,)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"suite_digest": "x"}, "suites"),
        ({"sdqa_version": "2"}, "versions"),
        ({"fault": "nan"}, "faults"),
        ({"cases": {"p": CaseInputs(prompt="x")}}, "cases"),
    ],
)
def test_strangers_are_refused(tmp_path: Path, fields: dict[str, Any], what: str) -> None:
    one, other = write(tmp_path / "1", lane("a")), write(tmp_path / "2", lane("b"), **fields)
    with pytest.raises(BundleError, match=what):
        merge([one, other], Bundle(tmp_path / "out"))


def test_no_bundles_and_overwriting_a_part_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to merge"):
        merge([], Bundle(tmp_path / "out"))
    one = write(tmp_path / "1", lane("a"))
    with pytest.raises(UsageError, match="overwrite"):
        merge([one], Bundle(tmp_path / "x" / ".." / "1"))


def test_pictures_come_along_and_the_merged_bundle_can_be_reported(tmp_path: Path, run: Run, bundle: Bundle) -> None:
    merged = merge([bundle], Bundle(tmp_path / "out"))
    assert merged.identity() == run.model_copy(update={"lanes": merged.lanes}).identity()
    named = {blob.sha256 for blob in blobs_of(run)}
    assert {path.name for path in (tmp_path / "out" / "blobs").iterdir()} == named
    assert write_report(Bundle(tmp_path / "out"), tmp_path / "report").html.stat().st_size > 100_000


def test_a_part_with_a_missing_picture_is_refused_and_leaves_no_run(tmp_path: Path) -> None:
    part = Bundle(tmp_path / "part")
    blob = part.add_blob(b"x", "image/png")
    write(part.folder, lane("a", samples=(Sample(case="p", images={"golden": blob}),)))
    (part.folder / blob.path).unlink()
    with pytest.raises(BundleError, match="blob is missing"):
        merge([part], Bundle(tmp_path / "out"))
    assert not (tmp_path / "out" / "run.json").exists()


def test_a_bundle_merged_with_itself_says_what_it_says_alone(tmp_path: Path) -> None:
    checks = tuple(f"a/{i}" for i in range(3))
    one = write(tmp_path / "1", lane("a", planned=checks), skipped("b"), planned_checks=3)
    alone, twice = merge([one], Bundle(tmp_path / "x")), merge([one, one], Bundle(tmp_path / "y"))
    assert twice == alone
    assert twice.planned_checks == 3


def test_planned_checks_are_a_union_of_ids(tmp_path: Path) -> None:
    parts = [
        write(tmp_path / str(i), lane("a", planned=checks), planned_checks=2)
        for i, checks in enumerate([("a/1", "a/2"), ("a/2", "a/3")])
    ]
    assert merge(parts, Bundle(tmp_path / "out")).planned_checks == 3


def test_bundles_that_only_count_their_checks_count_once(tmp_path: Path) -> None:
    one = write(tmp_path / "1", lane("a"), planned_checks=223)
    other = write(tmp_path / "2", lane("b"), planned_checks=223)
    assert merge([one, one, other], Bundle(tmp_path / "out")).planned_checks == 446


def test_every_diagnosis_is_kept_once(tmp_path: Path) -> None:
    first, second = (Diagnosis(lane=name, verdict=f"Cause: {name}") for name in "ab")
    one = write(tmp_path / "1", lane("a", verdict="fail"), diagnosis=first)
    other = write(tmp_path / "2", lane("b", verdict="fail"), diagnosis=second)
    run = merge([other, one, one], Bundle(tmp_path / "out"))
    assert (run.diagnosis, run.diagnoses) == (first, (first, second))
    again = merge([Bundle(tmp_path / "out"), one], Bundle(tmp_path / "more"))
    assert again.diagnoses == (first, second)


def test_latents_come_along_with_the_pictures(tmp_path: Path) -> None:
    part = Bundle(tmp_path / "part")
    blob = part.add_blob(b"latents", "application/octet-stream")
    write(part.folder, lane("a", samples=(Sample(case="p", facts=SampleFacts(latents=blob)),)))
    merge([part], Bundle(tmp_path / "out"))
    assert Bundle(tmp_path / "out").read_blob(blob) == b"latents"
