"""Bundles from other machines: found as artifacts are unpacked, read whole or put in quarantine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from sdqa.bundle import Bundle, Sample, Verdict
from sdqa.bundle.folder import MAX_RUN_BYTES, MAX_VERDICTS
from sdqa.ci.intake import find_bundles, take
from sdqa.errors import BundleError
from tests.builders import lane_record, run_record
from tests.report.pictures import draw, png


def write(folder: Path, *samples: Sample) -> Path:
    Bundle(folder).write(run_record(lane_record("a", samples=samples)))
    return folder


def test_the_limits_are_the_published_ones() -> None:
    assert (MAX_RUN_BYTES, MAX_VERDICTS) == (32 * 2**20, 20_000)


def test_folders_in_a_place_and_the_place_itself(tmp_path: Path) -> None:
    one, two = write(tmp_path / "all" / "one"), write(tmp_path / "all" / "two")
    (tmp_path / "all" / "README").touch()
    alone = write(tmp_path / "alone")
    assert find_bundles([tmp_path / "all", alone]) == [one, two, alone]
    assert find_bundles([tmp_path / "none"]) == [tmp_path / "none"]
    assert "no bundle here" in take(tmp_path / "none").problem


def test_too_many_bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdqa.ci.intake.MAX_BUNDLES", 1)
    for name in ("one", "two"):
        write(tmp_path / name)
    with pytest.raises(BundleError, match="2 bundles are too many"):
        find_bundles([tmp_path])


def test_more_verdicts_than_a_suite_can_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdqa.bundle.folder.MAX_VERDICTS", 2)
    verdicts = tuple(Verdict(check=f"a/{i}", metric="m", status="pass") for i in range(3))
    Bundle(tmp_path).write(run_record(lane_record("a", *verdicts)))
    assert "3 verdicts, the limit is 2" in take(tmp_path).problem


def test_a_blob_of_another_size_than_it_says(tmp_path: Path) -> None:
    blob = Bundle(tmp_path).add_blob(b"x" * 300, "application/octet-stream")
    for size, words in ((3, "larger than 3 bytes"), (301, "has 300 bytes, recorded were 301"), (2**40, "refused")):
        write(tmp_path, Sample(case="c", images={"golden": blob.model_copy(update={"bytes": size})}))
        assert words in take(tmp_path).problem


@pytest.mark.parametrize("kind", ["text", "cut", "huge", "gif"])
def test_a_picture_that_does_not_decode(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = png(draw("portrait", 1))
    if kind == "text":
        data = b"no picture"
    elif kind == "cut":
        data = data[: len(data) // 2]
    elif kind == "gif":
        Image.new("RGB", (4, 4)).save(tmp_path / "x.gif")
        data = (tmp_path / "x.gif").read_bytes()
    else:
        monkeypatch.setattr("sdqa.ci.looking.MAX_PIXELS", 10)
    write(tmp_path, Sample(case="c", images={"golden": Bundle(tmp_path).add_blob(data, "image/png")}))
    found = take(tmp_path)
    assert found.run is None
    assert "picture" in found.problem


@pytest.mark.parametrize("place", ["run.json", "blob"])
@pytest.mark.parametrize("kind", ["fifo", "device", "folder", "link"])
def test_only_regular_files_of_the_bundle_are_read_and_nothing_hangs(tmp_path: Path, place: str, kind: str) -> None:
    bundle = Bundle(tmp_path / "bundle")
    blob = bundle.add_blob(b"latents", "application/octet-stream")
    write(bundle.folder, Sample(case="c", images={"golden": blob}))
    target = bundle.folder / ("run.json" if place == "run.json" else blob.path)
    kept = target.read_bytes()
    target.unlink()
    if kind == "fifo":
        os.mkfifo(target)
    elif kind == "device":
        target.symlink_to("/dev/zero")
    elif kind == "folder":
        target.mkdir()
    else:
        (tmp_path / "outside").write_bytes(kept)
        target.symlink_to(tmp_path / "outside")
    assert take(bundle.folder).run is None


def test_a_link_within_the_bundle_is_followed(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "run.json").rename(tmp_path / "kept.json")
    (tmp_path / "run.json").symlink_to("kept.json")
    assert take(tmp_path).run is not None
