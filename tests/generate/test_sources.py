"""Source pictures: drawn, read or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdqa.errors import ImageError
from sdqa.generate.sources import changed_picture, load_source, look_at_source, read_source, source_prompt
from sdqa.plan import Case


def test_scenes_are_drawn_at_the_size_asked_for(tmp_path: Path) -> None:
    image = load_source("scene:portrait/17", 64, tmp_path)
    assert image.shape == (64, 64, 3)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, load_source("scene:portrait/17", 64, tmp_path))


def test_files_are_centred_squares(tmp_path: Path) -> None:
    wide = np.zeros((40, 80, 3), np.uint8)
    wide[:, 10:70] = 200
    wide[20:, 10:70] = 220
    Image.fromarray(wide).save(tmp_path / "wide.png")
    image = load_source("file:wide.png", 32, tmp_path)
    assert image.shape == (32, 32, 3)
    assert image.min() >= 195  # Lanczos rings at the edge between the two greys


@pytest.mark.parametrize("name", ["../outside.png", "/etc/hostname"])
def test_files_outside_the_suite_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImageError, match="below the suite"):
        load_source(f"file:{name}", 32, tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + bytes(20)])
def test_unreadable_pictures_are_one_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.png").write_bytes(content)
    with pytest.raises(ImageError, match="cannot be read"):
        load_source("file:bad.png", 32, tmp_path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError):
        load_source("file:nothing.png", 32, tmp_path)


def test_a_look_says_what_reading_says_and_draws_no_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sdqa.embedded import scenes

    large = read_source("scene:portrait/17", 300, tmp_path).remarks
    assert large == ("is drawn at 256×256 and enlarged to 300×300",)
    monkeypatch.setattr(scenes, "draw", lambda *_, **__: pytest.fail("a scene was drawn"))
    assert look_at_source("scene:portrait/17", 300, tmp_path) == large
    assert look_at_source("scene:portrait/17", 64, tmp_path) == ()


def test_the_background_is_the_cases_own(tmp_path: Path) -> None:
    glass = np.zeros((8, 8, 4), np.uint8)
    glass[:, 4:] = (10, 20, 30, 255)
    Image.fromarray(glass).save(tmp_path / "glass.png")
    assert tuple(load_source("file:glass.png", 8, tmp_path)[0, 0]) == (255, 255, 255)
    assert tuple(load_source("file:glass.png", 8, tmp_path, "#010203")[0, 0]) == (1, 2, 3)


def test_scenes_say_what_they_show() -> None:
    assert "portrait" in (source_prompt(Case(prompt="p", source="scene:portrait/17")) or "")
    assert source_prompt(Case(prompt="p", source="file:x.png", source_prompt="a cat")) == "a cat"
    assert source_prompt(Case(prompt="p")) is None


def recorded(name: str, root: Path) -> np.ndarray:
    return load_source(name, 64, root)


def test_a_file_that_was_exchanged_is_another_picture(tmp_path: Path) -> None:
    """The golden knew its source picture by name alone: another one under the same name once passed."""
    drawn = np.random.default_rng(3).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(drawn).save(tmp_path / "cat.png")
    before = recorded("file:cat.png", tmp_path)
    assert changed_picture("file:cat.png", before, tmp_path) == ""
    drawn[10, 10] ^= 1
    Image.fromarray(drawn).save(tmp_path / "cat.png")
    assert "the source picture changed" in changed_picture("file:cat.png", before, tmp_path)


def test_a_scene_that_is_drawn_otherwise_is_another_picture(tmp_path: Path) -> None:
    name = "scene:portrait/17"
    before = recorded(name, tmp_path)
    assert changed_picture(name, before, tmp_path) == ""
    assert "source picture changed" in changed_picture("scene:portrait/18", before, tmp_path)
    for edit in ("expression=smiling", "glasses=yes", "hair=red"):
        assert "source picture changed" in changed_picture(f"{name}?{edit}", before, tmp_path)
    spot = before.copy()
    spot[24:32, 24:32] = 255 - spot[24:32, 24:32]
    assert "source picture changed" in changed_picture(name, spot, tmp_path)


def test_another_version_of_pillow_may_draw_edges_otherwise(tmp_path: Path) -> None:
    name = "scene:landscape/3"
    before = recorded(name, tmp_path)
    rounded = before.copy()
    rounded[::3] = np.clip(rounded[::3].astype(np.int16) + 1, 0, 255)
    assert changed_picture(name, rounded, tmp_path) == ""


def test_a_golden_without_the_picture_of_its_case_is_told(tmp_path: Path) -> None:
    assert "without the source picture" in changed_picture("scene:portrait/17", None, tmp_path)
    with pytest.raises(ImageError):
        changed_picture("file:gone.png", np.zeros((64, 64, 3), np.uint8), tmp_path)
