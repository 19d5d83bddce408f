"""Tolerances: kept with their source, never loosened quietly, and looked up for the right lane."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sdqa.bundle import Lane
from sdqa.errors import GoldenMissing, UsageError
from sdqa.gate.audit import read_audit
from sdqa.gate.tolerances import Tolerances, loosened


def laxer(tolerances: Tolerances) -> Tolerances:
    changed = tolerances.variants["fp16"]["psnr"].model_copy(update={"limit": 40.0, "case_limit": 35.0})
    return tolerances.model_copy(update={"variants": {"fp16": {**tolerances.variants["fp16"], "psnr": changed}}})


def test_what_was_saved_is_loaded(tmp_path: Path, tolerances: Tolerances) -> None:
    tolerances.save(tmp_path / "tolerances.json", "")
    assert Tolerances.load(tmp_path / "tolerances.json") == tolerances


def test_loosening_needs_a_reason_and_is_written_down(tmp_path: Path, tolerances: Tolerances) -> None:
    path = tmp_path / "tolerances.json"
    tolerances.save(path, "")
    tolerances.save(path, "")
    with pytest.raises(UsageError, match="--reason"):
        laxer(tolerances).save(path, " ")
    laxer(tolerances).save(path, "a new chip")
    entries = read_audit(tmp_path)
    assert [entry.reason for entry in entries] == ["first measured", "a new chip"]
    assert entries[1].worse == ("fp16/psnr: 50 → 40, a case 45 → 35",)


def test_loosened_sees_dropped_and_laxer_limits_in_either_direction(tolerances: Tolerances) -> None:
    assert loosened(tolerances, tolerances) == []
    assert loosened(laxer(tolerances), tolerances) == []
    lpips = tolerances.variants["fp16"]["lpips"].model_copy(update={"limit": 0.5})
    fewer = tolerances.model_copy(update={"variants": {"fp16": {"lpips": lpips}}})
    assert [text.split(":")[0] for text in loosened(tolerances, fewer)] == [
        "fp16/clip_score",
        "fp16/lpips",
        "fp16/psnr",
    ]


def test_a_tolerance_explains_where_it_comes_from(tolerances: Tolerances) -> None:
    text = tolerances.variants["fp16"]["psnr"].explain()
    for part in ("≥ 50 dB", "a case ≥ 45 dB", "fp32 re-run", "unet-2bit", "2026-01-01"):
        assert part in text


def test_the_most_specific_table_counts(make_lane: Callable[..., Lane], tolerances: Tolerances) -> None:
    table = tolerances.variants["fp16"]
    other = {"psnr": table["psnr"].model_copy(update={"limit": 33.0})}
    both = tolerances.model_copy(update={"variants": {"fp16": table, "fp16@coreml": other, "*": other}})
    reference, unknown = make_lane({}), make_lane({}, variant="int8")
    mac = make_lane({}, runtime="coreml", compute_unit="CPU_AND_NE")
    found = [both.find(lane, "psnr") for lane in (reference, unknown, mac)]
    assert [t.limit if t else None for t in found] == [50.0, 33.0, 33.0]


def test_core_ml_is_not_judged_by_the_reference_runtimes_noise(
    make_lane: Callable[..., Lane], tolerances: Tolerances
) -> None:
    assert tolerances.find(make_lane({}, runtime="coreml", compute_unit="ALL"), "psnr") is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 2}', '{"schema_version": 1, "model": 3}'])
def test_a_broken_file_is_one_clear_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tolerances.json"
    path.write_text(text)
    with pytest.raises(GoldenMissing, match=r"tolerances\.json"):
        Tolerances.load(path)


def test_the_file_is_stable_json(tmp_path: Path, tolerances: Tolerances) -> None:
    path = tmp_path / "tolerances.json"
    tolerances.save(path, "")
    text = path.read_text()
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def test_where_no_teacher_was_written_down_nothing_is(tolerances: Tolerances) -> None:
    assert {"teacher", "teachers"} & set(tolerances.model_dump(mode="json")) == set(), "older digests stay as they are"
    assert tolerances.serving("new") == tolerances


def test_tables_of_another_teacher_keep_its_digest(tolerances: Tolerances) -> None:
    device = tolerances.model_copy(update={"teacher": "old", "variants": {"fp16@coreml": tolerances.variants["fp16"]}})
    both = tolerances.model_copy(update={"teacher": "new"}).beside(device, everything=False)
    assert (both.teacher, both.teachers) == ("new", {"fp16@coreml": "old"})
    unknown = device.model_copy(update={"teacher": ""})
    assert both.beside(unknown, everything=False).teachers == {}, "a table that is measured again is not kept"
    kept = tolerances.model_copy(update={"teacher": "new"}).beside(unknown, everything=False)
    assert kept.teacher_of("fp16@coreml") == "", "what nobody wrote down stays unknown beside a known teacher"
