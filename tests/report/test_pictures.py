"""Pictures of a page: what really is one, where it lies, and words for every one that is not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from sdqa.bundle import Blob, Bundle, Run
from sdqa.report import gallery
from sdqa.report.cases import case_cards
from sdqa.report.checks import check_rows
from sdqa.report.gallery import Gallery, gallery_of
from sdqa.report.pictures import Album
from tests.report.bulk import bulk_run
from tests.report.pictures import png

Drawn = Callable[..., bytes]


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (b"GIF89a", "not a PNG, JPEG or WebP"),
        (b"\x89PNG\r\n\x1a\n<svg onload=alert(1)>", "damaged"),
        (b"RIFF\x00\x00\x00\x00AVI ", "not a PNG, JPEG or WebP"),
        (b"\xff\xd8\xff<html>", "damaged"),
        (b"", "not a PNG, JPEG or WebP"),
    ],
)
def test_damaged_pictures_become_a_note(tmp_path: Path, data: bytes, note: str) -> None:
    bundle = Bundle(tmp_path)
    picture = Album(bundle).picture(bundle.add_blob(data, "image/png"))
    assert note in picture.note
    assert not picture.data


def test_a_truncated_picture_becomes_a_note(tmp_path: Path, drawn: Drawn) -> None:
    bundle = Bundle(tmp_path)
    picture = Album(bundle).picture(bundle.add_blob(drawn("portrait")[:-30], "image/png"))
    assert "damaged" in picture.note


def test_a_missing_or_altered_blob_becomes_a_note(tmp_path: Path, drawn: Drawn) -> None:
    bundle = Bundle(tmp_path)
    blob = bundle.add_blob(drawn("portrait"), "image/png")
    (tmp_path / blob.path).write_bytes(drawn("portrait", 2))
    assert f"a blob is larger than {blob.bytes} bytes" in Album(bundle).picture(blob).note
    (tmp_path / blob.path).write_bytes(bytes(blob.bytes))
    assert "digest does not match" in Album(bundle).picture(blob).note
    (tmp_path / blob.path).unlink()
    assert "missing" in Album(bundle).picture(blob).note
    outside = Blob(sha256="../../etc/passwd", bytes=1, media_type="image/png")
    assert "is not a digest" in Album(bundle).picture(outside).note


def test_a_picture_of_too_many_pixels_is_refused(tmp_path: Path, drawn: Drawn) -> None:
    bundle = Bundle(tmp_path)
    bomb = drawn("portrait", size=(9000, 2))
    assert "too many" in Album(bundle).picture(bundle.add_blob(bomb, "image/png")).note


def test_a_black_picture_says_so(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path)
    black = bundle.add_blob(png(Image.new("RGB", (8, 8))), "image/png")
    grey = bundle.add_blob(png(Image.new("RGB", (8, 8), (0, 1, 0))), "image/png")
    album = Album(bundle)
    assert (album.picture(black).note, album.picture(black).width) == ("every pixel is black", 8)
    assert album.picture(grey).note == ""


def placed(bundle: Bundle, run: Run, *, single_file: bool = False) -> Gallery:
    return gallery_of(case_cards(run, check_rows(run)), Album(bundle), single_file=single_file)


def test_failing_pictures_stay_as_they_are_and_passing_ones_are_compressed(tmp_path: Path) -> None:
    bundle, run = bulk_run(tmp_path, 3, side=128, grain=0.3, failing=1)
    shown = placed(bundle, run).shown
    bad, good = (run.lanes[0].samples[number].images["candidate"].sha256 for number in (2, 0))
    assert not shown[bad].lossy
    assert shown[bad].address.startswith("data:image/png")
    assert shown[good].lossy
    assert shown[good].address.startswith("data:image/webp")


def test_a_full_page_puts_passing_pictures_beside_it_and_drops_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, run = bulk_run(tmp_path, 4, side=256, grain=0.3, failing=1)
    monkeypatch.setattr(gallery, "PAGE_BYTES", 700_000)
    found = placed(bundle, run)
    bad, good = run.lanes[0].samples[3].images["candidate"], run.lanes[0].samples[0].images["candidate"]
    assert found.shown[bad.sha256].address.startswith("data:image/png")
    beside = found.shown[good.sha256]
    assert beside.address == f"pictures/{good.sha256}.webp"
    assert {beside.address, beside.thumbnail} <= found.beside.keys()
    assert all(one.address for one in found.shown.values())
    monkeypatch.setattr(gallery, "PAGE_BYTES", 1000)
    assert placed(bundle, run).shown[bad.sha256].address.startswith("pictures/"), "beside rather than not at all"
    assert not placed(bundle, run, single_file=True).beside
    monkeypatch.setattr(gallery, "SINGLE_BYTES", 1000)
    assert "a single file holds" in placed(bundle, run, single_file=True).shown[bad.sha256].note
