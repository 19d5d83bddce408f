"""Many scenes at once, on all cores; imports no torch, so that worker processes start fast."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sdqa.embedded import scenes
from sdqa.embedded.scenes import Scene

CHUNK = 512
"""Scenes that a worker draws at a time."""
ALONE = 8 * CHUNK
"""Fewer scenes than this are not worth starting workers for."""


def draw(
    first: int,
    count: int,
    size: int,
    progress: Callable[[int], None],
    scene: Callable[[int], Scene] = scenes.sample,
) -> NDArray[np.uint8]:
    """The pixels of scenes `first` to `first + count - 1`: uint8, count×3×size×size.

    Args:
        progress: told how many are drawn, now and then.
        scene: the scene of a seed; a function of a module, because workers import it.
    """
    pixels = np.empty((count, 3, size, size), dtype=np.uint8)
    chunks = [range(first + i, first + min(i + CHUNK, count)) for i in range(0, count, CHUNK)]
    chunk = partial(draw_chunk, size=size, scene=scene)
    if count < ALONE:
        return _collected(pixels, map(chunk, chunks), progress)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        return _collected(pixels, pool.map(chunk, chunks), progress)


def draw_chunk(seeds: range, size: int, scene: Callable[[int], Scene] = scenes.sample) -> NDArray[np.uint8]:
    return np.stack([np.asarray(scenes.draw(scene(seed), size)).transpose(2, 0, 1) for seed in seeds])


def _collected(
    pixels: NDArray[np.uint8], chunks: Iterable[NDArray[np.uint8]], progress: Callable[[int], None]
) -> NDArray[np.uint8]:
    done = 0
    for chunk in chunks:
        pixels[done : done + len(chunk)] = chunk
        done += len(chunk)
        progress(done)
    return pixels
