"""A baseline on disk is untrusted; its limits come from measured repeats, or from floors where none are needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdqa.bundle import Fingerprint, Lane
from sdqa.bundle.fingerprint import Mac
from sdqa.errors import DigestMismatch, GoldenMissing, UsageError
from sdqa.gate.baseline import (
    FLOORS,
    METRICS,
    BaselineManifest,
    folder_of,
    limits,
    other_machine,
    read_baseline,
    read_manifest,
    subject_of,
    write_baseline,
)

IMAGE = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
LATENTS = np.zeros((4, 2, 2), np.float32)
REPEAT = {"psnr": 40.0, "tile_psnr": 30.0, "lpips": 0.01}


def lane(runtime: str = "reference", **facts: Any) -> Lane:
    fingerprint = Fingerprint(teacher="t", metrics="m", runtime=runtime, **facts)
    return Lane(id="m/v", model="m", variant="v", runtime=runtime, compute_unit="CPU_AND_NE", fingerprint=fingerprint)


def written(folder: Path, of: Lane | None = None, **changes: Any) -> Path:
    given = of or lane()
    place = folder_of(folder, "m", "v", given.runtime, "CPU_AND_NE") / "c"
    facts: dict[str, Any] = {"image": IMAGE, "latents": LATENTS, "golden": "g", "repeats": (), "run": "", "reason": "r"}
    write_baseline(place, given, "c", **{**facts, **changes})
    return place


def test_a_device_has_a_folder_for_each_unit(tmp_path: Path) -> None:
    assert subject_of(written(tmp_path)) == "baselines/v@reference/c"
    assert subject_of(written(tmp_path, lane("coreml"))) == "baselines/v@coreml-cpu_and_ne/c"


def test_what_is_there_already_changes_nothing(tmp_path: Path) -> None:
    before = read_manifest(written(tmp_path))
    assert read_manifest(written(tmp_path, reason="again")) == before
    assert len((tmp_path / "m" / "audit.jsonl").read_text(encoding="utf-8").splitlines()) == 1


@pytest.mark.parametrize("wrong", [{"reason": " "}, {"latents": np.full((4, 2, 2), np.nan, np.float32)}])
def test_nothing_is_written_without_a_reason_or_of_what_is_not_finite(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        written(tmp_path, **wrong)
    assert not (tmp_path / "m").exists()


def edited(folder: Path, change: dict[str, Any]) -> None:
    path = folder / "manifest.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**data, **change}), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"files": {}}, DigestMismatch),
        ({"files": {"../../secret": {"sha256": "0" * 64, "bytes": 1}}}, DigestMismatch),
        ({"digests": {"image": "0" * 64, "latents": "0" * 64}}, DigestMismatch),
        ({"digests": {"image": "0" * 64}}, DigestMismatch),
        ({"schema_version": 2}, GoldenMissing),
        ({"surprise": 1}, GoldenMissing),
        ({"repeats": [{"psnr": "NaN"}]}, GoldenMissing),
    ],
)
def test_a_manifest_is_not_believed(tmp_path: Path, change: dict[str, Any], error: type[Exception]) -> None:
    place = written(tmp_path)
    edited(place, change)
    with pytest.raises(error):
        read_baseline(place)


def test_a_picture_that_is_a_link_is_refused(tmp_path: Path) -> None:
    place = written(tmp_path)
    (place / "image.png").rename(tmp_path / "elsewhere.png")
    (place / "image.png").symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(DigestMismatch, match="plain file"):
        read_baseline(place)


def found(of: Lane, *repeats: dict[str, float]) -> dict[str, BaselineManifest]:
    facts: dict[str, Any] = {"model": "m", "case": "c", "lane": "m/v", "golden": "g", "digests": {}, "files": {}}
    return {"c": BaselineManifest(**facts, fingerprint=of.fingerprint, repeats=repeats, reason="r", date="d")}


def test_the_reference_runtime_needs_no_repeats() -> None:
    table = limits(found(lane()), lane(processor="another"))
    assert {METRICS[name]: one.limit for name, one in table.items()} == FLOORS


def test_repeats_widen_the_limits_by_as_much_again() -> None:
    table = limits(found(lane(), REPEAT, {"psnr": 90.0, "tile_psnr": 80.0, "lpips": 0.0}), lane())
    assert table["baseline_psnr"].limit == pytest.approx(40 - 6.0206, abs=1e-3)
    assert table["baseline_tile_psnr"].limit == pytest.approx(30 - 6.0206, abs=1e-3)
    assert table["baseline_lpips"].limit == pytest.approx(0.02)


def test_a_device_needs_repeats_of_its_own() -> None:
    m2, m4 = (lane("coreml", mac=Mac(chip=chip)) for chip in ("Apple M2 Pro", "Apple M4"))
    assert limits(found(m2), m2) == {}
    assert limits(found(m2, REPEAT), m2)["baseline_lpips"].limit == pytest.approx(0.02)
    assert limits(found(m2, REPEAT), m4) == {}, "another machine's repeatability"
    assert "Apple M2 Pro" in other_machine(found(m2)["c"], m4)
    assert other_machine(found(m2)["c"], m2) == ""


def test_without_baselines_there_are_no_limits() -> None:
    assert limits({}, lane()) == {}
