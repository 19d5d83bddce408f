"""Weights that a conversion got wrong: noisy, random, zeroed, lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sdqa.faults.injection import Culprit, Effect
from sdqa.faults.registry import fault
from sdqa.faults.selection import at, generator, kernels, replaced, spread, user_of

if TYPE_CHECKING:
    from sdqa.faults.package_editor import PackageEditor


def _noise(level: float) -> Effect:
    """Gaussian noise on every kernel, `level` times the kernel's own standard deviation."""

    def edit(editor: PackageEditor) -> None:
        for name in kernels(editor):
            kernel = editor.read(name).astype(np.float32)
            drawn = generator(name).standard_normal(kernel.shape, dtype=np.float32)
            editor.write(name, kernel + level * kernel.std() * drawn)

    return Effect(edit=edit)


@fault(
    "vae-decoder-noise",
    component="vae_decoder",
    stage="conversion",
    severities={"mild": 0.05, "marked": 0.3, "severe": 0.8},
)
def vae_decoder_noise(level: float) -> Effect:
    """The VAE decoder's kernels carry noise, as after a corrupted download or a broken export."""
    return _noise(level)


@fault(
    "vae-encoder-noise",
    component="vae_encoder",
    stage="conversion",
    severities={"mild": 0.05, "marked": 0.3, "severe": 0.8},
)
def vae_encoder_noise(level: float) -> Effect:
    """The VAE encoder's kernels carry noise: only image-to-image suffers."""
    return _noise(level)


@fault("unet-noise", component="unet", stage="conversion", severities={"mild": 0.02, "marked": 0.15, "severe": 0.5})
def unet_noise(level: float) -> Effect:
    """The U-Net's kernels carry noise."""
    return _noise(level)


@fault(
    "text-encoder-noise",
    component="text_encoder",
    stage="conversion",
    severities={"mild": 0.05, "marked": 0.4, "severe": 1.0},
)
def text_encoder_noise(level: float) -> Effect:
    """The text encoder's weights carry noise."""
    return _noise(level)


@fault(
    "unet-weights-random",
    component="unet",
    stage="conversion",
    rows=(1,),
    severities={"mild": 0.02, "marked": 0.25, "severe": 1.0},
)
def unet_weights_random(share: float) -> Effect:
    """Weights missing from the checkpoint stay at their random initialisation, as in a non-strict load."""

    def edit(editor: PackageEditor) -> Culprit | None:
        chosen = spread(kernels(editor), share)
        for name in chosen:
            shape = editor.read(name).shape
            fan_in = int(np.prod(shape[1:]))
            bound = 1 / np.sqrt(fan_in)
            editor.write(name, generator(name).uniform(-bound, bound, shape))
        return Culprit(editor.name_of(user_of(editor, chosen[0])), chosen[0]) if len(chosen) == 1 else None

    return Effect(edit=edit)


@fault(
    "unet-weight-zeroed",
    component="unet",
    stage="conversion",
    rows=(1,),
    severities={"mild": 0.9, "marked": 0.0, "severe": 1.0},
)
def unet_weight_zeroed(position: float) -> Effect:
    """One convolution's kernel is all zeros: the first, a late one, or the last."""

    def edit(editor: PackageEditor) -> Culprit:
        name = at(kernels(editor, spatial=True), position)
        return replaced(editor, name, np.zeros_like(editor.read(name)))

    return Effect(edit=edit)


@fault(
    "unet-biases-lost",
    component="unet",
    stage="conversion",
    rows=(1,),
    severities={"mild": 0.05, "marked": 0.5, "severe": 1.0},
)
def unet_biases_lost(share: float) -> Effect:
    """Biases of convolutions and linear layers are zero."""
    return _zeroed("bias", share)


@fault(
    "vae-decoder-biases-lost",
    component="vae_decoder",
    stage="conversion",
    rows=(1,),
    severities={"mild": 0.05, "marked": 0.5, "severe": 1.0},
)
def vae_decoder_biases_lost(share: float) -> Effect:
    """Biases of the VAE decoder's convolutions are zero."""
    return _zeroed("bias", share)


def _zeroed(argument: str, share: float) -> Effect:
    def edit(editor: PackageEditor) -> None:
        for name in spread(editor.weights(argument=argument), share):
            editor.write(name, np.zeros_like(editor.read(name)))

    return Effect(edit=edit)


@fault(
    "unet-norms-not-affine",
    component="unet",
    stage="conversion",
    rows=(13,),
    severities={"mild": 0.04, "marked": 0.3, "severe": 1.0},
)
def unet_norms_not_affine(share: float) -> Effect:
    """Normalisations lost their scale: gamma is one."""

    def edit(editor: PackageEditor) -> Culprit | None:
        chosen = spread(editor.weights(["batch_norm", "layer_norm", "instance_norm"], "gamma"), share)
        for name in chosen:
            editor.write(name, np.ones_like(editor.read(name)))
        return Culprit(editor.name_of(user_of(editor, chosen[0])), chosen[0]) if len(chosen) == 1 else None

    return Effect(edit=edit)
