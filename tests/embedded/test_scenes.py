"""The drawings are those that the shipped weights were trained on, and are a function of their name alone."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from sdqa.embedded.captions import describe
from sdqa.embedded.scenes import Scene, draw, edit, hidden, parse, sample
from sdqa.embedded.vocabulary import KINDS, LANDSCAPE, PORTRAIT, spell
from sdqa.errors import UsageError

HERE = Path(__file__).parent
RECORDED: dict[str, Any] = json.loads((HERE / "recorded_scenes.json").read_text(encoding="utf-8"))
TOLERANCE = 2.0
"""Mean absolute grey levels between two versions of Pillow."""


def pixels(image: Image.Image) -> NDArray[np.float64]:
    return np.asarray(image, dtype=np.float64)


def recorded(index: int) -> Image.Image:
    with Image.open(HERE / "recorded_scenes.png") as sheet:
        left, top = index % 6 * 64, index // 6 * 64
        return sheet.convert("RGB").crop((left, top, left + 64, top + 64))


@pytest.mark.parametrize(("index", "name"), list(enumerate(RECORDED["scenes"])))
def test_scene_is_the_one_the_weights_were_trained_on(index: int, name: str) -> None:
    scene, expected = parse(name), RECORDED["scenes"][name]
    image = draw(scene, RECORDED["size"])
    assert scene.captions[0] == expected["caption"]
    assert np.abs(pixels(image) - pixels(recorded(index))).mean() <= TOLERANCE
    if RECORDED["pillow"] == PIL.__version__ and sys.platform == "linux":
        assert hashlib.sha256(image.tobytes()).hexdigest() == expected["sha256"]


def test_the_tolerance_tells_neighbouring_scenes_apart() -> None:
    sheets = [pixels(recorded(index)) for index in range(36)]
    distances = [np.abs(a - b).mean() for i, a in enumerate(sheets) for b in sheets[:i]]
    assert min(distances) > 4 * TOLERANCE


@given(seed=st.integers(0, 10**6), kind=st.sampled_from(KINDS))
@settings(max_examples=25, deadline=None)
def test_a_name_always_draws_the_same(seed: int, kind: str) -> None:
    name = f"scene:{kind}/{seed}"
    assert parse(name) == sample(seed, kind) == parse(name.removeprefix("scene:"))
    assert draw(parse(name)).tobytes() == draw(sample(seed, kind)).tobytes()


def test_a_fresh_process_draws_the_same() -> None:
    code = (
        "import hashlib; from sdqa.embedded.scenes import *; s = edit(parse('portrait/17'), hat='red');"
        "print(hashlib.sha256(draw(s).tobytes()).hexdigest(), s.captions)"
    )
    edited = edit(parse("portrait/17"), hat="red")
    expected = f"{hashlib.sha256(draw(edited).tobytes()).hexdigest()} {edited.captions}"
    for salt in ("1", "2"):
        environment = {"PYTHONHASHSEED": salt, "PYTHONPATH": str(HERE.parents[1])}
        result = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
        )
        assert result.stdout.strip() == expected


@given(seed=st.integers(0, 10**6), data=st.data())
@settings(max_examples=25, deadline=None)
def test_an_edit_keeps_the_identity_and_says_so(seed: int, data: st.DataObject) -> None:
    scene = sample(seed)
    allowed = PORTRAIT if scene.kind == "portrait" else LANDSCAPE
    name = data.draw(st.sampled_from(sorted(allowed)))
    value = data.draw(st.sampled_from(allowed[name]))
    edited = edit(scene, **{name: value})
    assert edited.identity == scene.identity
    assert getattr(edited.attributes, name) == value
    changed = {key for key in allowed if getattr(edited.attributes, key) != getattr(scene.attributes, key)}
    assert changed <= {name}
    assert (describe(edited.attributes) == describe(scene.attributes)) == (not changed)


def test_an_edit_in_a_name_is_the_edit_of_the_scene() -> None:
    edited = parse("portrait/17?hair=blue&glasses=yes&hat=none")
    assert edited == edit(sample(17, "portrait"), hair="blue", glasses=True, hat=None)


def test_changed_glasses_change_the_eyes_only() -> None:
    bare, worn = (edit(parse("portrait/17"), glasses=there, hat=None) for there in (False, True))
    rows = np.abs(pixels(draw(bare)) - pixels(draw(worn))).sum((1, 2)).nonzero()[0]
    assert len(rows) > 0
    assert rows.min() > 15
    assert rows.max() < 45


@given(seed=st.integers(0, 10**6), kind=st.sampled_from(KINDS))
@settings(max_examples=40, deadline=None)
def test_what_a_drawing_hides_can_be_another_ones(seed: int, kind: str) -> None:
    scene, other = sample(seed, kind), sample(seed + 1, kind)
    theirs = {name: getattr(other.identity, name) for name in hidden(scene)}
    disguised = replace(scene, identity=replace(scene.identity, **theirs))
    assert draw(disguised).tobytes() == draw(scene).tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_can_be_drawn_and_said(kind: str) -> None:
    scene = sample(3, kind)
    for name, values in (PORTRAIT if kind == "portrait" else LANDSCAPE).items():
        drawn = {draw(edit(scene, **{name: value})).tobytes() for value in values}
        said = {edit(scene, **{name: value}).caption for value in values}
        assert len(said) == len(values)
        assert len(drawn) == len(values)


def test_the_plain_caption_uses_words_of_the_training_captions() -> None:
    known = {word.strip(",") for seed in range(800) for text in sample(seed).captions for word in text.split()}
    plain = {word.strip(",") for seed in range(300) for word in sample(seed).caption.split()}
    assert plain <= known


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("portrait", "not the name of a scene"),
        ("portrait/-1", "not the name of a scene"),
        ("portrait/../../etc", "not the name of a scene"),
        ("portrait/1234567890123", "not the name of a scene"),
        ("still-life/3", "not the name of a scene"),
        ("abstract/3", "no scene of kind"),
        ("portrait/3?lake=yes", "no attribute 'lake'"),
        ("portrait/3?hair=green", "hair cannot be 'green'"),
        ("portrait/3?glasses=perhaps", "glasses cannot be 'perhaps'"),
        ("landscape/3?light", "light cannot be"),
    ],
)
def test_a_wrong_name_is_one_clear_error(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(name)


def test_sizes_are_box_reductions_of_one_drawing() -> None:
    scene = parse("landscape/5")
    large, small = pixels(draw(scene, 256)), pixels(draw(scene, 64))
    assert np.abs(large.reshape(64, 4, 64, 4, 3).mean((1, 3)) - small).max() < 1.0
    with pytest.raises(UsageError, match="cannot be drawn"):
        draw(scene, 512)


def test_mixed_kinds_are_refused() -> None:
    face, place = sample(1, "portrait"), sample(1, "landscape")
    with pytest.raises(UsageError, match="two kinds"):
        draw(Scene(face.attributes, place.identity, ()))


def test_values_are_spelled_as_people_write_them() -> None:
    assert [spell(value) for value in (True, False, None, "red")] == ["yes", "no", "none", "red"]
