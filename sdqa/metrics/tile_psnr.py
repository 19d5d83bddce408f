"""The worst tile's PSNR: a global figure forgives local garbage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sdqa.metrics.psnr import CEILING, RUINED, signal_to_noise
from sdqa.metrics.registry import Reading, metric, self_test

if TYPE_CHECKING:
    import numpy.typing as npt

    from sdqa.metrics.subject import Subject

TILES = 8
"""Tiles a side; they overlap by half, so that a block cannot hide on a seam."""


def tiles(height: int, width: int, count: int = TILES) -> Iterator[tuple[slice, slice]]:
    """Overlapping tiles of about 1/count of each side, at least 4 pixels, in steps of half a tile."""
    rows, columns = max(4, height // count), max(4, width // count)
    for top in _starts(height, rows):
        for left in _starts(width, columns):
            yield slice(top, top + rows), slice(left, left + columns)


def _starts(length: int, size: int) -> list[int]:
    last = max(0, length - size)
    return sorted({*range(0, last + 1, max(1, size // 2)), last})


def worst_tile(reference: npt.NDArray[Any], tested: npt.NDArray[Any], peak: float | None = None) -> float:
    """Lowest tile PSNR in dB of two (H, W, …) arrays; the peak is the whole reference's. NaN if not finite."""
    import numpy as np

    top = float(np.abs(reference.astype(np.float64)).max()) if peak is None else peak
    values = [signal_to_noise(reference[tile], tested[tile], peak=top) for tile in tiles(*reference.shape[:2])]
    return float(np.min(values))


@metric(
    "tile_psnr",
    unit="dB",
    better="higher",
    valid=(0, CEILING),
    attainable=RUINED,
    peak=255,
    tiles=TILES,
    overlap=0.5,
    compares=True,
)
def tile_psnr(subject: Subject) -> Reading:
    """Lowest PSNR of any tile (an eighth of each side, half overlapping), peak 255."""
    return Reading(worst_tile(subject.golden.image, subject.candidate.image, peak=255))


@self_test("tile_psnr", "local garbage is seen")
def _local() -> bool | str:
    import numpy as np

    rng = np.random.default_rng(0)
    reference = np.full((512, 512, 3), 128, np.uint8)
    spoilt = reference.copy()
    spoilt[250:261, 250:261] = rng.integers(0, 256, (11, 11, 3))
    whole, worst = signal_to_noise(reference, spoilt, peak=255), worst_tile(reference, spoilt, peak=255)
    return (whole > 35 and worst < whole - 10) or f"whole {whole:.1f} dB, worst tile {worst:.1f} dB"
