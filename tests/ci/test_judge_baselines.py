"""Provisional judging and baselines under the gate: what loosens them is named, and the checkout's are what counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sdqa.bundle import Fingerprint, Lane, Measurement
from sdqa.ci.judge import judge_digest, judge_of
from sdqa.ci.judge_diff import is_silent
from sdqa.gate.baseline import METRICS, read_manifest, write_baseline
from sdqa.gate.verify import verify
from sdqa.plan import PlannedLane
from sdqa.workflow.baselines import baseline_folder
from sdqa.workflow.gate import RULES
from tests.ci.test_judge_diff import changed, edit, pair, plan_of

__all__ = ["pair"]
REQUIRED = ("[models.tiny]\n", "[gate]\nrequire_calibrated = true\n\n[models.tiny]\n")
CASE, LANE = "portrait-hat", "tiny/palettized-6bit"


def planned(folder: Path, name: str = LANE) -> PlannedLane:
    return next(lane for lane in plan_of(folder).lanes if lane.id == name)


def approve(folder: Path, seed: int, reason: str = "looked at") -> Path:
    lane = planned(folder)
    place = baseline_folder(plan_of(folder), lane) / CASE
    record = Lane(
        id=lane.id,
        model=lane.model_name,
        variant=lane.variant.name,
        runtime=lane.runtime,
        compute_unit=lane.compute_unit,
        fingerprint=Fingerprint(teacher="t", metrics="m"),
    )
    image = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    latents = np.zeros((4, 2, 2), np.float32)
    write_baseline(place, record, CASE, image=image, latents=latents, golden="g", repeats=(), run="", reason=reason)
    return place


def test_another_baseline_is_looser_and_its_own_record_excuses_it(pair: tuple[Path, Path]) -> None:
    for folder in pair:
        approve(folder, 1)
    (pair[1] / "goldens" / "tiny" / "audit.jsonl").write_bytes(
        (pair[0] / "goldens" / "tiny" / "audit.jsonl").read_bytes()
    )
    assert not [one for one in changed(pair) if one.looser]
    place = approve(pair[1], 2, "another palette")
    [found] = [one for one in changed(pair) if one.looser]
    subject = f"tiny/baselines/palettized-6bit@reference/{CASE}"
    assert (found.kind, found.subject, found.recorded) == ("baseline", subject, "another palette")
    assert not is_silent(changed(pair))
    edit(place, ('"golden": "g"', '"golden": "h"'), name="manifest.json")
    assert is_silent(changed(pair)), "a manifest that was edited by hand has no record"
    flaws = [flaw.what for flaw in verify(pair[1] / "goldens", files=False) if not flaw.sound]
    assert any("changed without a record" in what for what in flaws)


def test_a_baseline_that_is_gone_takes_its_checks_along(pair: tuple[Path, Path]) -> None:
    approve(pair[0], 1)
    found = [one for one in changed(pair) if one.kind == "check"]
    assert [(one.subject, one.looser) for one in found] == [(LANE, True)]
    assert found[0].what.startswith("6 checks removed")
    edit(pair[1], ("[[lanes]]\n", '[[lanes]]\nbaseline = "off"\n'))
    assert is_silent(changed(pair))


def test_tolerances_that_are_gone_leave_a_lane_to_what_can_be_seen(pair: tuple[Path, Path]) -> None:
    (pair[1] / "goldens" / "tiny" / "tolerances.json").unlink()
    found = [one for one in changed(pair) if one.subject == "tiny/fp16/lpips"]
    assert [(one.looser, one.what) for one in found] == [
        (True, "has no limit any more: it will be judged provisionally")
    ]
    assert is_silent(changed(pair))
    edit(pair[1], REQUIRED)
    assert not [one for one in changed(pair) if one.looser], "then nothing of it counts as measured"


def test_no_longer_requiring_calibrated_lanes_is_looser(pair: tuple[Path, Path]) -> None:
    edit(pair[0], REQUIRED)
    found = [one for one in changed(pair) if one.kind == "calibration"]
    assert [(one.subject, one.what, one.looser) for one in found] == [("require_calibrated", "true → false", True)]
    assert is_silent(changed(pair))
    stricter = [one for one in changed((pair[1], pair[0])) if one.kind == "calibration"]
    assert [one.looser for one in stricter] == [False]


def test_the_judges_digest_names_them(pair: tuple[Path, Path]) -> None:
    before = judge_digest(plan_of(pair[0]))
    approve(pair[0], 1)
    with_baseline = judge_digest(plan_of(pair[0]))
    edit(pair[0], REQUIRED)
    assert len({before, with_baseline, judge_digest(plan_of(pair[0]))}) == 3


@pytest.mark.parametrize(("figure", "status"), [(80.0, "pass"), (30.0, "fail")])
def test_the_gate_judges_by_the_checkouts_baseline(pair: tuple[Path, Path], figure: float, status: str) -> None:
    manifest = read_manifest(approve(pair[0], 1))
    plan = plan_of(pair[0])
    judge = judge_of(replace(plan, lanes=(planned(pair[0]),)), RULES)
    measured = Measurement(
        metric="baseline_psnr",
        case=CASE,
        value=figure,
        unit="dB",
        better="higher",
        fingerprint=manifest.identity("baseline_psnr"),
    )
    record = Lane(
        id=LANE, model="tiny", variant="palettized-6bit", runtime="reference", compute_unit="CPU_ONLY",
        measurements=(measured,),
    )  # fmt: skip
    found = {verdict.check: verdict.status for verdict in judge.verdicts(record)}
    assert found[f"{LANE}/{CASE}/baseline_psnr"] == status
    assert {f"{LANE}/{CASE}/{metric}" for metric in METRICS} <= set(found)
    assert found[f"{LANE}/{CASE}/baseline_lpips"] == "not measured"


def test_the_gate_judges_an_uncalibrated_mac_provisionally(pair: tuple[Path, Path]) -> None:
    name = "tiny/fp16@coreml-cpu_only"
    plan = plan_of(pair[0])
    known = RULES.limits(plan, planned(pair[0], "tiny/fp16"))
    assert known is not None
    judge = judge_of(replace(plan, lanes=(planned(pair[0], name),)), RULES)
    example = known.variants["fp16"]["psnr"]
    facts = {"metric": "psnr", "case": CASE, "unit": "dB", "better": "higher", "fingerprint": example.fingerprints[0]}
    for value, status in ((50.0, "pass"), (10.0, "fail")):
        measured = (Measurement.model_validate({**facts, "value": value}),)
        record = Lane(
            id=name, model="tiny", variant="fp16", runtime="coreml", compute_unit="CPU_ONLY", measurements=measured
        )
        found = {verdict.check: verdict for verdict in judge.verdicts(record)}[f"{name}/{CASE}/psnr"]
        assert (found.status, found.provisional) == (status, True)
