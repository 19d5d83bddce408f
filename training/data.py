"""The drawings in memory: pixels, captions and attributes of every scene of a recipe."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sdqa.embedded import scenes
from sdqa.embedded.captions import Attributes
from sdqa.embedded.scenes import Scene
from training import drawing, edits
from training.config import Data
from training.progress import StepLog


@dataclass(frozen=True)
class Drawings:
    """`count` scenes; the last `held_out` of them are for measuring only."""

    pixels: Tensor
    """uint8, count×3×S×S."""
    captions: tuple[tuple[str, ...], ...]
    """Five wordings a scene: four from terse to complete, then the plain one that says everything."""
    attributes: tuple[Attributes, ...]
    training: int
    """How many are trained on: the first ones."""

    def images(self, indices: Tensor) -> Tensor:
        """float32 in [-1, 1], N×3×S×S, on the pixels' device."""
        return self.pixels[indices.to(self.pixels.device)].float().div(127.5).sub(1)

    def held_out(self, count: int) -> Tensor:
        """Indices of the first `count` scenes that are not trained on."""
        return torch.arange(self.training, min(self.training + count, len(self.pixels)))


def draw(config: Data, cache: Path, device: torch.device) -> Drawings:
    """Draw a recipe's scenes, or read their pixels from an earlier run's cache.

    Args:
        cache: a `.npy` file; it is written whole or not at all, and drawn again if it has another shape.
        device: where the pixels are kept.
    """
    return _drawn(config, config.count, scenes.sample, cache, device)


def draw_edits(config: Data, cache: Path, device: torch.device) -> Drawings:
    """Every training scene of a recipe after an edit: the same person or place with other attributes.

    Scenes that are only measured on are not among them: picture `i` is `edits.twin` of the training scene `i`.
    """
    return _drawn(config, config.count - config.held_out, edits.twin, cache, device)


def _drawn(config: Data, count: int, scene: Callable[[int], Scene], cache: Path, device: torch.device) -> Drawings:
    chosen = [scene(config.seed + i) for i in range(count)]
    pixels = _cached(cache, (count, 3, config.size, config.size))
    if pixels is None:
        with StepLog("draw", count) as progress:
            pixels = drawing.draw(config.seed, count, config.size, progress.advance, scene)
        cache.parent.mkdir(parents=True, exist_ok=True)
        partial = cache.with_suffix(".partial")
        with partial.open("wb") as file:
            np.save(file, pixels, allow_pickle=False)
        os.replace(partial, cache)
    return Drawings(
        pixels=torch.from_numpy(pixels).to(device),
        captions=tuple((*one.captions, one.caption) for one in chosen),
        attributes=tuple(one.attributes for one in chosen),
        training=config.count - config.held_out,
    )


def _cached(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
    try:
        pixels = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return pixels if pixels.shape == shape and pixels.dtype == np.uint8 else None
