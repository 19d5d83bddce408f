"""JPEG files that were cut and given an end again, which a decoder fills up without a word."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdqa.errors import ImageError
from sdqa.generate.jpeg import demand_whole
from sdqa.generate.pictures import read_picture

END = b"\xff\xd9"
OPTIONS: list[dict[str, object]] = [
    {},
    {"subsampling": 0},
    {"optimize": True},
    {"restart_marker_rows": 1},
    {"restart_marker_blocks": 5},
    {"progressive": True},
    {"progressive": True, "restart_marker_rows": 1},
]


def packed(mode: str = "RGB", side: tuple[int, int] = (75, 100), **options: object) -> bytes:
    """A smooth picture with a little noise; lower half constant, so that grey rows alone are no sign of damage."""
    row, column = np.mgrid[: side[0], : side[1]]
    picture = np.dstack([row * 2, column * 2, row + column]) + np.random.default_rng(0).integers(0, 9, (*side, 3))
    picture[side[0] // 2 :] = 128
    file = io.BytesIO()
    Image.fromarray(picture.astype(np.uint8)).convert(mode).save(file, "JPEG", quality=90, **options)
    return file.getvalue()


def cut(data: bytes, share: float) -> bytes:
    begin = data.index(b"\xff\xda") + 14
    return data[: begin + int((len(data) - begin) * share)] + END


def written(folder: Path, data: bytes) -> Path:
    path = folder / "p.jpg"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", OPTIONS)
def test_a_cut_picture_is_refused_and_a_whole_one_is_not(tmp_path: Path, mode: str, options: dict[str, object]) -> None:
    data = packed(mode, **options)
    demand_whole(written(tmp_path, data))
    demand_whole(written(tmp_path, data + b"what cameras put behind the picture" + END))
    for share in (0.02, 0.3, 0.6, 0.95):
        with pytest.raises(ImageError, match="cannot be read to its end") as caught:
            demand_whole(written(tmp_path, cut(data, share)))
        assert "cut short" in caught.value.hint


@pytest.mark.parametrize("side", [(1, 1), (8, 8), (16, 17), (33, 7)])
@pytest.mark.parametrize("options", OPTIONS)
def test_odd_sizes_are_whole(tmp_path: Path, side: tuple[int, int], options: dict[str, object]) -> None:
    demand_whole(written(tmp_path, packed(side=side, **options)))


def test_a_progressive_picture_that_ends_between_two_scans_is_refused(tmp_path: Path) -> None:
    data = packed(progressive=True)
    pieces = data.split(b"\xff\xda")
    assert len(pieces) > 5
    for count in range(2, len(pieces)):
        kept = b"\xff\xda".join(pieces[:count])
        tables = kept.rfind(b"\xff\xc4")  # the next scan's tables stand between the two
        kept = kept[:tables] if tables > kept.rfind(b"\xff\xda") else kept
        with pytest.raises(ImageError, match="scans are missing of"):
            demand_whole(written(tmp_path, kept + END))


def test_the_reader_of_pictures_asks_for_all_of_it(tmp_path: Path) -> None:
    data = packed()
    read_picture(written(tmp_path, data), 32)
    with Image.open(io.BytesIO(cut(data, 0.6))) as opened:
        opened.load()  # nothing is said here
    with pytest.raises(ImageError, match="its data ends before its last row"):
        read_picture(written(tmp_path, cut(data, 0.6)), 32)


def test_of_several_pictures_in_a_file_the_first_is_asked_for(tmp_path: Path) -> None:
    pictures = [Image.open(io.BytesIO(packed(side=side))) for side in ((64, 64), (32, 32))]
    pictures[0].save(tmp_path / "p.jpg", "MPO", save_all=True, append_images=pictures[1:])
    assert "has 2 frames: the first is taken" in read_picture(tmp_path / "p.jpg", 32).remarks
    data = (tmp_path / "p.jpg").read_bytes()
    first = data.index(END + b"\xff\xd8")
    with pytest.raises(ImageError, match="cannot be read"):
        read_picture(written(tmp_path, data[: first - 300] + data[first:]), 32)
