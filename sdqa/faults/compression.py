"""Compression that went wrong: too few bits, damaged tables, lost scales, clipped outliers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sdqa.faults.injection import Culprit, Effect
from sdqa.faults.registry import fault
from sdqa.faults.selection import kernels, spread, user_of

if TYPE_CHECKING:
    from sdqa.faults.messages import Array
    from sdqa.faults.package_editor import PackageEditor


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


@fault(
    "unet-low-bits",
    component="unet",
    stage="quantisation",
    rows=(11, 27),
    severities={"mild": 5, "marked": 3, "severe": 1},
)
def unet_low_bits(bits: int) -> Effect:
    """The U-Net is palettized to fewer bits than it bears."""
    return _low_bits(bits, 1.0)


@fault(
    "vae-decoder-low-bits",
    component="vae_decoder",
    stage="quantisation",
    rows=(11,),
    severities={"mild": 5, "marked": 3, "severe": 1},
)
def vae_decoder_low_bits(bits: int) -> Effect:
    """The VAE decoder is palettized to fewer bits than it bears."""
    return _low_bits(bits, 1.0)


@fault(
    "vae-encoder-low-bits",
    component="vae_encoder",
    stage="quantisation",
    rows=(11,),
    severities={"mild": 5, "marked": 3, "severe": 1},
)
def vae_encoder_low_bits(bits: int) -> Effect:
    """The VAE encoder is palettized to fewer bits than it bears."""
    return _low_bits(bits, 1.0)


@fault(
    "text-encoder-low-bits",
    component="text_encoder",
    stage="quantisation",
    rows=(11,),
    severities={"mild": 5, "marked": 2, "severe": 1},
)
def text_encoder_low_bits(bits: int) -> Effect:
    """The text encoder is palettized to fewer bits than it bears."""
    return _low_bits(bits, 1.0)


@fault(
    "lookup-table-rotated",
    component="unet",
    stage="quantisation",
    rows=(8, 11),
    severities={"mild": 0.01, "marked": 0.1, "severe": 1.0},
)
def lookup_table_rotated(share: float) -> Effect:
    """The entries of look-up tables are off by one: every weight has its neighbour's value."""

    def edit(editor: PackageEditor) -> Culprit | None:
        chosen = spread(kernels(editor), share)
        for name in chosen:
            values, index = np.unique(palettized(editor.read(name), 6), return_inverse=True)
            editor.write(name, np.roll(values, 1)[index].reshape(editor.read(name).shape))
        return _single(editor, chosen)

    return Effect(edit=edit)


@fault(
    "lookup-table-infinite",
    component="text_encoder",
    stage="quantisation",
    rows=(8,),
    severities={"mild": 1, "marked": 4, "severe": 64},
)
def lookup_table_infinite(entries: int) -> Effect:
    """Entries of a look-up table are -inf, because a mask was palettized with the weights."""

    def edit(editor: PackageEditor) -> Culprit | None:
        name = kernels(editor)[0]
        values, index = np.unique(palettized(editor.read(name), 6), return_inverse=True)
        values[:entries] = -np.inf
        editor.write(name, values[index].reshape(editor.read(name).shape))
        return _single(editor, [name])

    return Effect(edit=edit)


@fault(
    "weights-rescaled",
    component="unet",
    stage="conversion",
    rows=(10,),
    severities={"mild": 1.02, "marked": 1.1, "severe": 1.5},
)
def weights_rescaled(factor: float) -> Effect:
    """Weights of a fifth of the layers are rescaled in place by a palettization that was skipped."""

    def edit(editor: PackageEditor) -> None:
        for name in spread(kernels(editor), 0.2):
            editor.write(name, editor.read(name).astype(np.float32) * factor)

    return Effect(edit=edit)


@fault(
    "zero-point",
    component="unet",
    stage="quantisation",
    rows=(10, 11),
    severities={"mild": 1, "marked": 4, "severe": 16},
)
def zero_point(offset: int) -> Effect:
    """8-bit weights are shifted by a wrong zero point (level: how many steps)."""

    def edit(editor: PackageEditor) -> None:
        for name in kernels(editor):
            weight = editor.read(name).astype(np.float32)
            scale = np.abs(weight).max() / 127
            editor.write(name, (np.rint(weight / scale) + offset) * scale)

    return Effect(edit=edit)


@fault(
    "channel-scales-permuted",
    component="unet",
    stage="quantisation",
    rows=(10, 11),
    severities={"mild": 0.01, "marked": 0.2, "severe": 1.0},
)
def channel_scales_permuted(share: float) -> Effect:
    """The scales of per-channel quantisation belong to the neighbouring channel."""

    def edit(editor: PackageEditor) -> Culprit | None:
        chosen = spread(kernels(editor), share)
        for name in chosen:
            weight = editor.read(name).astype(np.float32)
            scale = np.maximum(np.abs(weight).reshape(len(weight), -1).max(axis=1), 1e-8)
            column = (-1,) + (1,) * (weight.ndim - 1)
            editor.write(name, weight / scale.reshape(column) * np.roll(scale, 1).reshape(column))
        return _single(editor, chosen)

    return Effect(edit=edit)


def _clipping(limit: float) -> Effect:
    def edit(editor: PackageEditor) -> None:
        for name in kernels(editor):
            weight = editor.read(name).astype(np.float32)
            editor.write(name, np.clip(weight, -limit * weight.std(), limit * weight.std()))

    return Effect(edit=edit)


@fault(
    "unet-outliers-clipped",
    component="unet",
    stage="quantisation",
    rows=(11,),
    severities={"mild": 3.0, "marked": 1.5, "severe": 0.5},
)
def unet_outliers_clipped(limit: float) -> Effect:
    """The U-Net's largest weights are clipped by a quantisation range that is too narrow."""
    return _clipping(limit)


@fault(
    "vae-outliers-clipped",
    component="vae_decoder",
    stage="quantisation",
    rows=(11,),
    severities={"mild": 3.0, "marked": 1.5, "severe": 0.5},
)
def vae_outliers_clipped(limit: float) -> Effect:
    """The VAE decoder's largest weights are clipped by a quantisation range that is too narrow."""
    return _clipping(limit)


@fault(
    "unet-pruned",
    component="unet",
    stage="quantisation",
    rows=(11,),
    severities={"mild": 0.2, "marked": 0.5, "severe": 0.9},
)
def unet_pruned(share: float) -> Effect:
    """A share of the U-Net's weights, the smallest ones, is zero."""

    def edit(editor: PackageEditor) -> None:
        for name in kernels(editor):
            weight = editor.read(name)
            threshold = np.quantile(np.abs(weight.astype(np.float32)), share)
            editor.write(name, np.where(np.abs(weight) < threshold, 0, weight))

    return Effect(edit=edit)


def _single(editor: PackageEditor, chosen: list[str]) -> Culprit | None:
    return Culprit(editor.name_of(user_of(editor, chosen[0])), chosen[0]) if len(chosen) == 1 else None
