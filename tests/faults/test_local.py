"""Local damage: each kind changes a picture, none where it should not, and faces are where the drawing has them."""

from __future__ import annotations

import numpy as np
import pytest

from sdqa.embedded.scenes import draw, parse
from sdqa.errors import FaultError
from sdqa.faults.local import DAMAGES, Landmarks, damages_of, find_damage, landmarks
from sdqa.faults.yardstick import VISIBLE, difference

SOURCE = "scene:portrait/110"
PICTURE = np.asarray(draw(parse(SOURCE)))
PLACES = landmarks(SOURCE, 64)


def test_there_are_at_least_forty_kinds_and_each_says_what_it_is() -> None:
    assert len(DAMAGES) >= 40
    assert all(one.summary.endswith(".") for one in DAMAGES.values())


@pytest.mark.parametrize("name", DAMAGES)
def test_each_kind_changes_a_copy_the_same_way_every_time(name: str) -> None:
    before = PICTURE.copy()
    first, second = (DAMAGES[name].apply(PICTURE, PLACES) for _ in range(2))
    assert np.array_equal(PICTURE, before), "the picture that is given stays as it is"
    assert first.shape == PICTURE.shape
    assert not np.array_equal(first, before)
    assert np.array_equal(first, second)


def test_damage_to_a_face_leaves_the_rest_alone() -> None:
    assert PLACES is not None
    spoilt = find_damage("eye-painted-over").apply(PICTURE, PLACES)
    rows, columns = np.nonzero((spoilt != PICTURE).any(-1))
    across, down = PLACES.left_eye
    assert abs(columns + 0.5 - across).max() <= PLACES.eye * 1.5 + 1
    assert abs(rows + 0.5 - down).max() <= PLACES.eye * 1.5 + 1


def test_the_eyes_are_where_the_drawing_has_white_and_iris() -> None:
    assert PLACES is not None
    for across, down in (PLACES.left_eye, PLACES.right_eye):
        area = PICTURE[int(down) - 2 : int(down) + 3, int(across) - 2 : int(across) + 3].astype(int)
        assert area.max() > 200
        assert area.min() < 90


def test_an_eye_that_is_gone_is_visible_and_one_white_pixel_is_not() -> None:
    assert difference(PICTURE, find_damage("eye-painted-over").apply(PICTURE, PLACES)) > 2 * VISIBLE
    assert 0 < difference(PICTURE, find_damage("white-pixel").apply(PICTURE, PLACES)) < VISIBLE


@pytest.mark.parametrize("source", [None, "scene:landscape/3", "photo.png"])
def test_without_a_known_face_only_what_needs_none_is_done(source: str | None) -> None:
    assert landmarks(source, 64) is None
    names = {one.name for one in damages_of(None)}
    assert "seam-of-tiles" in names
    assert "mouth-gone" not in names
    with pytest.raises(FaultError, match="needs a portrait"):
        find_damage("mouth-gone").apply(PICTURE, None)


def test_landmarks_are_lengths_of_the_picture() -> None:
    small, large = landmarks(SOURCE, 64), landmarks(SOURCE, 128)
    assert isinstance(small, Landmarks)
    assert isinstance(large, Landmarks)
    assert large.left_eye == pytest.approx((2 * small.left_eye[0], 2 * small.left_eye[1]))
    assert large.brim == pytest.approx(2 * small.brim)


def test_a_kind_that_is_mistyped_is_named() -> None:
    with pytest.raises(FaultError, match="did you mean mouth-gone"):
        find_damage("mouth-gon")
