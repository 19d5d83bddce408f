"""Goldens: what is written is read back, what changed is stale, what was tampered with is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdqa.errors import DigestMismatch, GoldenMissing, UsageError
from sdqa.gate import audit, goldens

IDENTITIES = {"lpips": {"implementation": "stlpips", "weights": "ab" * 32, "resolution": 64}}


def arguments(seed: int = 0, side: int = 16) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "inputs": {"prompt": "a portrait", "strength": 0.5, "steps": 4},
        "seed": 7,
        "timesteps": [501, 251, 1],
        "image": rng.integers(0, 256, (side, side, 3), dtype=np.uint8),
        "latents": rng.normal(size=(4, 4, 4)).astype(np.float32),
        "noise": rng.normal(size=(4, 4, 4)).astype(np.float32),
        "posterior_noise": rng.normal(size=(4, 4, 4)).astype(np.float32),
        "source": rng.integers(0, 256, (side, side, 3), dtype=np.uint8),
        "scores": {"clip_score": 0.31, "finite": 1.0},
        "teacher_digest": "12" * 32,
        "metric_identities": IDENTITIES,
        "versions": {"torch": "2.13.0"},
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "goldens" / "tiny" / "portrait"


def test_what_was_written_is_read_back(folder: Path) -> None:
    given = arguments()
    goldens.write_golden(folder, **given)
    golden = goldens.read_golden(folder)
    for name in ("image", "latents", "noise", "posterior_noise", "source"):
        np.testing.assert_array_equal(getattr(golden, name), given[name])
    assert golden.latents.dtype == np.float32
    assert golden.manifest.model == "tiny"
    assert golden.manifest.case == "portrait"
    assert golden.manifest.timesteps == (501.0, 251.0, 1.0)
    assert golden.manifest.scores == {"clip_score": 0.31, "finite": 1.0}


def test_text_to_image_has_neither_source_nor_posterior_noise(folder: Path) -> None:
    goldens.write_golden(folder, **{**arguments(), "source": None, "posterior_noise": None})
    golden = goldens.read_golden(folder)
    assert golden.source is None
    assert golden.posterior_noise is None
    assert not (folder / "source.png").exists()


def test_nothing_is_overwritten_without_a_reason(folder: Path) -> None:
    goldens.write_golden(folder, **arguments())
    with pytest.raises(UsageError, match="--reason"):
        goldens.write_golden(folder, **arguments(seed=1))
    np.testing.assert_array_equal(goldens.read_golden(folder).image, arguments()["image"])


def test_a_change_with_a_reason_is_in_the_audit_log(folder: Path) -> None:
    first = goldens.write_golden(folder, **arguments())
    second = goldens.write_golden(folder, **arguments(seed=1), reason="new weights")
    entries = audit.read_audit(folder.parent)
    assert [entry.subject for entry in entries] == ["portrait", "portrait"]
    assert entries[0].before is None
    assert (entries[1].before, entries[1].after) == (first.content(), second.content())
    assert entries[1].reason == "new weights"
    assert sorted(path.name for path in folder.parent.iterdir()) == ["audit.jsonl", "portrait"]


def test_writing_the_same_again_changes_nothing(folder: Path) -> None:
    goldens.write_golden(folder, **arguments(), date="2026-01-01T00:00:00+00:00")
    goldens.write_golden(folder, **arguments(), date="2026-02-02T00:00:00+00:00", reason="again")
    assert goldens.read_golden(folder).manifest.date == "2026-01-01T00:00:00+00:00"
    assert len(audit.read_audit(folder.parent)) == 1


def test_a_golden_must_be_finite(folder: Path) -> None:
    given = arguments()
    given["latents"][0, 0, 0] = np.nan
    with pytest.raises(UsageError, match="latents"):
        goldens.write_golden(folder, **given)
    assert not folder.exists()


def test_large_images_leave_a_preview_and_are_fetched_by_digest(folder: Path, tmp_path: Path) -> None:
    given = arguments(side=200)
    place, cache = str(tmp_path / "warehouse"), tmp_path / "cache"
    goldens.write_golden(folder, **given, place=place)
    from PIL import Image

    with Image.open(folder / "image.png") as preview:
        assert max(preview.size) == 128
    np.testing.assert_array_equal(goldens.read_golden(folder, place=place, cache=cache).image, given["image"])
    nowhere = str(tmp_path / "nowhere")
    np.testing.assert_array_equal(goldens.read_golden(folder, place=nowhere, cache=cache).image, given["image"])
    with pytest.raises(GoldenMissing):
        goldens.read_golden(folder, place=nowhere, cache=tmp_path / "empty")


def test_large_images_may_live_behind_an_fsspec_url(folder: Path, tmp_path: Path) -> None:
    given = arguments(side=200)
    goldens.write_golden(folder, **given, place="memory://goldens/tiny")
    golden = goldens.read_golden(folder, place="memory://goldens/tiny", cache=tmp_path / "cache")
    np.testing.assert_array_equal(golden.image, given["image"])


def test_a_warehouse_needs_no_trust(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "warehouse"
    goldens.write_golden(folder, **arguments(side=200), place=str(place))
    for path in place.iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(DigestMismatch):
        goldens.read_golden(folder, place=str(place), cache=tmp_path / "cache")


@pytest.mark.parametrize("name", ["image.png", "source.png", "noise.safetensors", "latents.safetensors"])
def test_a_changed_file_is_refused(folder: Path, name: str) -> None:
    goldens.write_golden(folder, **arguments())
    data = bytearray((folder / name).read_bytes())
    data[-5] ^= 1
    (folder / name).write_bytes(bytes(data))
    with pytest.raises(DigestMismatch):
        goldens.read_golden(folder)
    (folder / name).unlink()
    with pytest.raises(GoldenMissing):
        goldens.read_golden(folder)


def test_a_manifest_cannot_point_outside_its_folder(folder: Path) -> None:
    goldens.write_golden(folder, **arguments())
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"]["../../outside"] = manifest["files"]["image.png"]
    path.write_text(json.dumps(manifest))
    (folder.parent.parent / "outside").write_bytes((folder / "image.png").read_bytes())
    with pytest.raises(DigestMismatch, match="plain file"):
        goldens.read_golden(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 99}', '{"schema_version": 1}'])
def test_a_broken_manifest_is_one_clear_error(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(text)
    with pytest.raises(GoldenMissing):
        goldens.read_golden(folder)


def test_stale_says_what_changed(folder: Path) -> None:
    given = arguments()
    goldens.write_golden(folder, **given)
    golden = goldens.read_golden(folder)
    same = {
        "teacher_digest": given["teacher_digest"],
        "metric_identities": IDENTITIES,
        "case": given["inputs"],
        "timesteps": given["timesteps"],
    }
    assert goldens.stale_reasons(golden, **same) == []
    changed = {
        "teacher_digest": "34" * 32,
        "metric_identities": {"lpips": {**IDENTITIES["lpips"], "resolution": 128}},
        "case": {**given["inputs"], "steps": 5},
        "timesteps": [500, 250, 0],
    }
    for key, word in zip(changed, ("teacher", "lpips", "steps", "schedule"), strict=True):
        reasons = goldens.stale_reasons(golden, **{**same, key: changed[key]})
        assert len(reasons) == 1
        assert word in reasons[0]


def test_a_metric_the_golden_does_not_know_does_not_make_it_stale(folder: Path) -> None:
    goldens.write_golden(folder, **arguments())
    assert goldens.stale_reasons(goldens.read_golden(folder), metric_identities={"psnr": {"peak": 255}}) == []


def test_a_golden_changed_by_hand_is_found(folder: Path) -> None:
    goldens.write_golden(folder, **arguments())
    current = {"portrait": goldens.read_manifest(folder).content()}
    assert audit.unrecorded(folder.parent, current) == []
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["scores"]["clip_score"] = 0.1
    (folder / "manifest.json").write_text(json.dumps(manifest))
    found = audit.unrecorded(folder.parent, {"portrait": goldens.read_manifest(folder).content()})
    assert len(found) == 1
    assert "without a record" in found[0]
