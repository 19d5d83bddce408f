"""Failing cases on one picture."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from sdqa.bundle import Blob, Bundle, Run, Sample, Verdict
from sdqa.errors import UsageError
from sdqa.report.contact_sheet import GAP, LINE, MAX_ROWS, SIDE, WIDTH, contact_sheet, rows_of
from tests.builders import lane_record, run_record
from tests.report.pictures import png

TOP = 2 * LINE + GAP


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def cell(sheet: Image.Image, row: int, column: int) -> np.ndarray:
    left, top = GAP + column * (SIDE + GAP), TOP + row * (LINE + SIDE + GAP) + LINE
    return np.asarray(sheet.crop((left, top, left + SIDE, top + SIDE)))


def made(bundle: Bundle, *names: str, status: str = "fail", **pictures: Image.Image) -> Run:
    images = {kind: bundle.add_blob(png(picture), "image/png") for kind, picture in pictures.items()}
    verdicts = [Verdict(check=f"a/{n}/m", metric="m", case=n, status=status, value=1.0) for n in names]
    return run_record(lane_record("a", *verdicts, samples=tuple(Sample(case=n, images=images) for n in names)))


def test_a_row_holds_golden_candidate_and_their_difference(tmp_path_factory: pytest.TempPathFactory) -> None:
    bundle = Bundle(tmp_path_factory.mktemp("sheet"))
    golden, candidate = (Image.new("RGB", (64, 64), (level, 100, 50)) for level in (10, 30))
    run = made(bundle, "c", golden=golden, candidate=candidate)
    sheet = opened(contact_sheet(bundle, run, rows_of(run)))
    assert sheet.size == (WIDTH, TOP + LINE + SIDE + GAP + LINE + GAP)
    assert (cell(sheet, 0, 0) == (10, 100, 50)).all()  # 64 pixels enlarged three times: the whole cell
    assert (cell(sheet, 0, 1) == (30, 100, 50)).all()
    assert (cell(sheet, 0, 2) == (80, 0, 0)).all()  # four times 20 grey levels


def test_failing_cases_or_those_that_are_named(bundle: Bundle, run: Run) -> None:
    failing = rows_of(run)
    assert {row.lane.lane for row in failing} == {"tiny/palette2/reference/cpu"}
    assert failing[0].case == "landscape-lake"
    named = rows_of(run, ["text-portrait"], ["*fp16/reference*"])
    assert [(row.case, row.lane.status) for row in named] == [("text-portrait", "pass")]
    with pytest.raises(UsageError, match="did you mean 'text-portrait'"):
        rows_of(run, ["text-portrai"])
    assert contact_sheet(bundle, run, failing) == contact_sheet(bundle, run, failing)


def test_what_is_no_picture_is_said_and_costs_no_sheet(bundle: Bundle, run: Run) -> None:
    lake = rows_of(run)[:1]  # its candidate is an SVG with a script
    sheet = opened(contact_sheet(bundle, run, lake))
    assert cell(sheet, 0, 0).std() > 10
    for column in (1, 2):
        shades = np.unique(cell(sheet, 0, column).reshape(-1, 3), axis=0)
        assert (shades[:, 0] == shades[:, 1]).all()  # grey with words on it


@pytest.mark.parametrize("flaw", ["missing", "huge", "damaged", "none", "sizes"])
def test_flawed_pictures_leave_a_cell_empty(flaw: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    bundle = Bundle(tmp_path_factory.mktemp("flawed"))
    good = bundle.add_blob(png(Image.new("RGB", (8, 8), (9, 9, 9))), "image/png")
    bad = {
        "missing": Blob(sha256="0" * 64, bytes=4, media_type="image/png"),
        "huge": bundle.add_blob(png(Image.new("1", (5000, 4))), "image/png"),
        "damaged": bundle.add_blob(png(Image.new("RGB", (8, 8)))[:40], "image/png"),
        "sizes": bundle.add_blob(png(Image.new("RGB", (9, 9))), "image/png"),
        "none": None,
    }[flaw]
    images = {"golden": good, **({"candidate": bad} if bad else {})}
    verdict = Verdict(check="a/c/m", metric="m", case="c", status="fail")
    run = run_record(lane_record("a", verdict, samples=(Sample(case="c", images=images),)))
    sheet = opened(contact_sheet(bundle, run, rows_of(run)))
    assert (cell(sheet, 0, 0) == 9).all()
    assert (cell(sheet, 0, 2)[0, 0] == (225, 225, 225)).all()


def test_hostile_labels_are_plain_text_of_one_line(hostile: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    bundle = Bundle(tmp_path_factory.mktemp("hostile"))
    names = (f"{hostile}\n\u202e\ud800" * 30, "日本" * 4000)
    run = made(bundle, *names, golden=Image.new("RGB", (8, 8)), candidate=Image.new("RGB", (8, 8)))
    sheet = np.asarray(opened(contact_sheet(bundle, run, rows_of(run))))
    assert sheet.shape[1] == WIDTH
    assert (sheet[:, -GAP // 2 :] == 255).all()  # no label runs out of the sheet


def test_the_sheet_is_bounded_and_says_what_it_left_out(tmp_path_factory: pytest.TempPathFactory) -> None:
    bundle = Bundle(tmp_path_factory.mktemp("many"))
    run = made(bundle, *(f"c{i}" for i in range(MAX_ROWS + 20)), golden=Image.new("RGB", (8, 8)))
    rows = rows_of(run)
    data = contact_sheet(bundle, run, rows)
    assert opened(data).height == TOP + MAX_ROWS * (LINE + SIDE + GAP) + LINE + GAP
    assert data != contact_sheet(bundle, run, rows[:-1])  # "and 20 more", "and 19 more"


def test_a_green_run_makes_a_sheet_without_rows(tmp_path_factory: pytest.TempPathFactory) -> None:
    bundle = Bundle(tmp_path_factory.mktemp("green"))
    run = made(bundle, "c", status="pass", golden=Image.new("RGB", (8, 8)))
    assert rows_of(run) == ()
    assert opened(contact_sheet(bundle, run, ())).size == (WIDTH, TOP + LINE + GAP)
