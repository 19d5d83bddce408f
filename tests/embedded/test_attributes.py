"""The judge reads drawings well, refuses foreign weights, and its labels follow the vocabulary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from sdqa.embedded import ATTRIBUTES
from sdqa.embedded.attributes import AttributeNet, agreement, labels, load
from sdqa.embedded.scenes import Scene, draw, edit, sample
from sdqa.embedded.vocabulary import HEADS
from sdqa.errors import ModelError


def pixels(scenes: list[Scene]) -> Tensor:
    return torch.stack([torch.from_numpy(np.array(draw(scene))).permute(2, 0, 1) / 127.5 - 1 for scene in scenes])


def test_the_shipped_judge_reads_unseen_drawings() -> None:
    scenes = [sample(900_000 + i) for i in range(200)]
    scores = agreement(load(ATTRIBUTES).read(pixels(scenes)), [scene.attributes for scene in scenes])
    assert set(scores) == set(HEADS)
    assert min(scores.values()) >= 0.85
    assert np.mean(list(scores.values())) >= 0.97


def test_the_judge_sees_an_edit() -> None:
    judge, scene = load(ATTRIBUTES), sample(12, "portrait")
    for hat in ("red", "green", "white"):
        assert judge.read(pixels([edit(scene, hat=hat)]))[0]["hat"] == hat


def test_labels_ignore_attributes_of_the_other_kind() -> None:
    scenes = [sample(1, "portrait").attributes, sample(1, "landscape").attributes]
    found = labels(scenes)
    assert found["kind"].tolist() == [0, 1]
    assert found["lake"].tolist()[0] == found["hair"].tolist()[1] == -100
    assert torch.nn.functional.cross_entropy(torch.zeros(2, 7), found["hair"]).isfinite()


def test_agreement_counts_only_the_kind_that_has_the_attribute() -> None:
    portrait, landscape = sample(1, "portrait").attributes, sample(1, "landscape").attributes
    read = [{name: getattr(attributes, name, None) for name in HEADS} for attributes in (portrait, landscape)]
    assert set(agreement(read, [portrait, landscape]).values()) == {1.0}
    read[0]["gender"] = "nobody"
    assert agreement(read, [portrait, landscape])["gender"] == 0.0


def test_the_size_follows_from_the_weights(tmp_path: Path) -> None:
    save_file(AttributeNet(128).state_dict(), tmp_path / "model.safetensors")
    assert load(tmp_path)(torch.zeros(1, 3, 128, 128))["kind"].shape == (1, 2)


def test_foreign_or_damaged_weights_are_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        load(tmp_path)
    save_file({"layer": torch.zeros(3)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="another architecture"):
        load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 40)
    with pytest.raises(ModelError, match="cannot be read"):
        load(tmp_path)
