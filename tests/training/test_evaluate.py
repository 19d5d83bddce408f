"""The bars say "missed" when they are missed, and the measurements see what they are for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sdqa.embedded import WEIGHTS, scenes
from training import evaluate, grids, measures
from training.evaluate import Evaluation, Requirement
from training.subject import SubjectModel, SubjectSettings, pixels, unseen

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def subject() -> SubjectModel:
    return SubjectModel.load(WEIGHTS)


def distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a - b).abs().mean((1, 2, 3))


@pytest.mark.parametrize(
    ("bar", "met"),
    [
        (evaluate._size({"pipeline and open_clip": 9.9, "with the variants": 10.2, "everything": 10.4}), True),
        (evaluate._size({"pipeline and open_clip": 10.1, "with the variants": 10.2, "everything": 10.4}), False),
        (evaluate._reconstruction({"mean": 31.9, "worst": 25.0}), False),
        (evaluate._retrieval({"complete captions": 0.949, "terse captions": 0.99}), False),
        (evaluate._retrieval({"complete captions": 0.95, "terse captions": 0.8}), True),
        (evaluate._prompts({3.0: {"hair": 0.99}, 5.0: {"hair": 0.89}}), False),
        (evaluate._prompts({3.0: {"hair": 0.99, "hat": 0.85}}), True),
        (evaluate._strengths({"0.1": 0.1, "0.5": 0.2, "0.9": 0.2}), False),
        (evaluate._steps({"3": 0.3, "10": 0.2, "20": 0.1}), True),
        (evaluate._steps({"3": 0.3, "10": 0.1, "20": 0.1}), False),
        (evaluate._precision({"fp16": 0.01, "4-bit": 0.03, "2-bit": 0.09}), True),
        (evaluate._precision({"fp16": 0.01, "4-bit": 0.03, "2-bit": 0.08}), False),
        (evaluate._range({"unet": 90.0, "vae": 256.0}), False),
        (evaluate._range({"unet": 90.0, "vae": 120.0}), True),
        (evaluate._speed({"median": 3.1, "best": 2.0}), False),
    ],
)
def test_a_bar_is_met_only_when_it_is(bar: Requirement, met: bool) -> None:
    assert bar.met is met


def test_the_variant_is_reported_without_a_bar_and_only_where_there_is_one() -> None:
    assert evaluate._variant("tiny-v", {}) == []
    (bar,) = evaluate._variant("tiny-v", {"hair": 0.5, "hat": 1.0})
    assert bar.met is None
    assert bar.measured == "75.0% at guidance 3"


def test_three_bars_of_editing_are_judged_alone() -> None:
    bars = evaluate._editing({"changed": 0.8, "kept": 0.89, "identity": 0.91, "identity, hidden parts too": 0.7})
    assert [bar.met for bar in bars] == [True, False, True]


def test_other_bytes_in_a_fresh_process_miss_the_bar() -> None:
    same = {"same bytes twice": 1.0, "2 threads, grey levels": 0.1, "batch of 1, grey levels": 0.1}
    assert evaluate._determinism({**same, "same bytes in a fresh process": 1.0}).met
    assert not evaluate._determinism({**same, "same bytes in a fresh process": 0.0}).met


def test_rounding_leaves_as_many_levels_as_bits_say() -> None:
    layer = torch.nn.Linear(400, 3)
    for bits in (4, 2):
        measures.round_weights(layer, bits)
        assert max(len(row.unique()) for row in layer.weight) <= 2**bits
    assert len(layer.bias.unique()) == 3


def test_edits_change_two_attributes_and_nothing_else() -> None:
    sources, wanted = measures.edits(20)
    for source, target in zip(sources, wanted, strict=True):
        before, after = vars(source.attributes), vars(target.attributes)
        assert sum(before[name] != after[name] for name in before) == 2
        assert source.identity == target.identity


def test_the_right_identity_is_found_when_it_was_kept_and_not_when_it_was_lost() -> None:
    sources, wanted = measures.edits(24)
    known = [scenes.hidden(source) for source in sources]
    perfect, grey = pixels(wanted, 64), torch.zeros(24, 3, 64, 64)
    for alike in (known, [frozenset[str]()] * 24):
        assert measures._identified(perfect, wanted, alike, 64) == 1.0
        assert measures._identified(grey, wanted, alike, 64) < 0.5


def test_guessing_wrong_what_the_source_hides_is_still_the_right_identity() -> None:
    bare = [scenes.edit(scene, trees=False) for scene in unseen(12, "landscape")]
    wanted = [scenes.edit(scene, trees=True) for scene in bare]
    guessed = [
        replace(scene, identity=replace(scene.identity, trees=other.identity.trees))
        for scene, other in zip(wanted, wanted[1:] + wanted[:1], strict=True)
    ]
    images, known = pixels(guessed, 64), [scenes.hidden(scene) for scene in bare]
    recognised = measures._identified(images, wanted, known, 64)
    assert recognised > 0.9
    assert measures._identified(images, wanted, [frozenset[str]()] * 12, 64) < recognised - 0.2


def test_the_subject_repaints_more_with_more_strength(subject: SubjectModel) -> None:
    sources, prompts = pixels(unseen(2), 64), [scene.caption for scene in unseen(2)]
    weak, strong = (
        distance(
            subject.repaint(sources, prompts, SubjectSettings(steps=6, strength=strength, guidance=2)), sources
        ).mean()
        for strength in (0.2, 0.9)
    )
    assert 0 < weak < strong


def test_two_bits_hurt_and_half_precision_does_not(subject: SubjectModel) -> None:
    prompts, settings = [scene.caption for scene in unseen(2)], SubjectSettings(steps=4, guidance=2)
    teacher = subject.imagine(prompts, settings)
    half = distance(subject.in_half().imagine(prompts, settings), teacher).mean()
    ruined = subject.with_unet(lambda unet: measures.round_weights(unet, 2)).imagine(prompts, settings)
    assert half * 10 < distance(ruined, teacher).mean()
    assert torch.equal(subject.imagine(prompts, settings), teacher)


def test_the_shipped_weights_fit_fp16(subject: SubjectModel) -> None:
    found = measures.half_range(subject, 3.0, count=2)
    assert set(found) == {"text_encoder", "unet", "vae"}
    assert max(found.values()) < 200


def test_the_shipped_vae_and_open_clip_hold_their_level(subject: SubjectModel) -> None:
    assert measures.reconstruction(subject)["mean"] > 34.5
    scenes = unseen(64)
    assert measures._retrieved(subject, scenes, [scene.caption for scene in scenes]) > 0.9


def test_a_record_replaces_the_table_and_leaves_the_text(tmp_path: Path) -> None:
    page = tmp_path / "tiny.md"
    page.write_text("before\n<!-- bars -->\nold\n<!-- /bars -->\nafter\n", encoding="utf-8")
    bar = Requirement("size", "≤ 10 MB", "11 MB", False, {"size": 11.0})
    evaluate.record(Evaluation("2026-01-02", "a machine", (bar,)), tmp_path)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| size | ≤ 10 MB | 11 MB | **missed** |" in text
    assert "old" not in text
    assert json.loads((tmp_path / "tiny.json").read_text(encoding="utf-8"))["bars"][0]["met"] is False


def test_a_grid_has_a_cell_for_every_picture(tmp_path: Path) -> None:
    from PIL import Image

    rows = [torch.full((3, 3, 8, 8), value) for value in (-1.0, 1.0)]
    grids.save(rows, tmp_path / "grid.webp")
    with Image.open(tmp_path / "grid.webp") as sheet:
        side = 8 * grids.ZOOM
        assert sheet.size == (3 * side + 2 * grids.GAP, 2 * side + grids.GAP)
        assert sheet.convert("L").getpixel((2, 2)) == pytest.approx(0, abs=8)
