"""Compression that went wrong: too few bits, damaged tables, lost scales, clipped outliers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sdqa.faults.injection import Effect
from sdqa.faults.registry import fault
from sdqa.faults.selection import kernels, spread

if TYPE_CHECKING:
    from sdqa.faults.package_editor import Array, PackageEditor


def palettized(weight: Array, bits: int) -> Array:
    """The weight with only 2^bits different values, the centroids of equally populated intervals refined by k-means."""
    flat = weight.astype(np.float32).reshape(-1)
    centroids = np.unique(np.quantile(flat, (np.arange(2**bits) + 0.5) / 2**bits))
    for _ in range(8):
        index = np.searchsorted((centroids[1:] + centroids[:-1]) / 2, flat)
        count = np.bincount(index, minlength=len(centroids))
        total = np.bincount(index, weights=flat, minlength=len(centroids))
        centroids = np.sort(np.where(count > 0, total / np.maximum(count, 1), centroids))
    return centroids[np.searchsorted((centroids[1:] + centroids[:-1]) / 2, flat)].reshape(weight.shape)


def _low_bits(bits: int, share: float) -> Effect:
    """Palettize a share of the kernels to a number of bits; the rest keep what they have."""

    def edit(editor: PackageEditor) -> None:
        for name in spread(kernels(editor), share):
            editor.write(name, palettized(editor.read(name), bits))

    return Effect(edit=edit)


@fault(
    "unet-2bit",
    component="unet",
    stage="quantisation",
    rows=(11, 27),
    severities={"mild": 0.1, "marked": 0.6, "severe": 1.0},
)
def unet_2bit(share: float) -> Effect:
    """The U-Net's kernels have four values each: a tenth of the kernels, most, or all."""
    return _low_bits(2, share)
