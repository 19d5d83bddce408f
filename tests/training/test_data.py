"""Drawn once, cached whole, and the same on one core or many."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sdqa.embedded import scenes
from training import data, drawing
from training.config import Data

CPU = torch.device("cpu")
CONFIG = Data(size=32, count=20, held_out=5, seed=40)


def test_drawings_are_the_scenes_of_their_seeds(tmp_path: Path) -> None:
    drawn = data.draw(CONFIG, tmp_path / "drawings.npy", CPU)
    scene = scenes.sample(43)
    assert np.array_equal(drawn.pixels[3].permute(1, 2, 0).numpy(), np.asarray(scenes.draw(scene, 32)))
    assert drawn.captions[3] == (*scene.captions, scene.caption)
    assert drawn.attributes[3] == scene.attributes
    assert drawn.training == 15
    assert drawn.held_out(100).tolist() == [15, 16, 17, 18, 19]
    images = drawn.images(torch.tensor([3]))
    assert -1 <= images.min() < images.max() <= 1


def test_a_cache_is_used_and_a_damaged_or_foreign_one_is_not(tmp_path: Path) -> None:
    cache = tmp_path / "drawings.npy"
    first = data.draw(CONFIG, cache, CPU).pixels
    np.save(cache, np.zeros_like(first.numpy()))
    assert not data.draw(CONFIG, cache, CPU).pixels.any()
    for content in (b"", b"\x93NUMPY garbage", cache.read_bytes()[:500]):
        cache.write_bytes(content)
        assert torch.equal(data.draw(CONFIG, cache, CPU).pixels, first)
    np.save(cache, np.zeros((20, 3, 16, 16), dtype=np.uint8))
    assert torch.equal(data.draw(CONFIG, cache, CPU).pixels, first)


def test_workers_draw_what_one_process_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    alone = drawing.draw(7, 30, 32, told.append)
    monkeypatch.setattr(drawing, "CHUNK", 10)
    monkeypatch.setattr(drawing, "ALONE", 1)
    assert np.array_equal(drawing.draw(7, 30, 32, told.append), alone)
    assert told == [30, 10, 20, 30]
