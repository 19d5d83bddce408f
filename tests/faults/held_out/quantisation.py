"""Compression that lost more than it said: a wrong sign, one scale for a whole layer, a short mantissa."""

from __future__ import annotations

import numpy as np

from sdqa.faults.injection import Culprit, Effect
from sdqa.faults.messages import Array
from sdqa.faults.package_editor import PackageEditor
from sdqa.faults.selection import kernels
from tests.faults.held_out.picking import changed, weight
from tests.faults.held_out.registry import mutation


def _four_bits(values: Array, scale: Array | float) -> Array:
    """Symmetric integers of four bits, -8 to 7."""
    return np.clip(np.round(values / scale), -8, 7)


@mutation("held-text-nibbles-unsigned", component="text_encoder", stage="quantisation")
def text_nibbles_unsigned() -> Effect:
    """A matrix of four-bit integers is read as if they had no sign: what was -1 is 15."""

    def edit(editor: PackageEditor) -> Culprit:
        name = weight(editor, "layers_0_mlp_fc2")
        matrix = editor.read(name).astype(np.float32)
        scale = np.abs(matrix).max(axis=1, keepdims=True) / 7
        return changed(editor, name, _four_bits(matrix, scale) % 16 * scale)

    return Effect(edit=edit)


@mutation("held-unet-one-scale", component="unet", stage="quantisation", subtle=True)
def unet_one_scale() -> Effect:
    """The widest matrix of one feed-forward block has four bits and one scale, in place of one for each row."""
    return _one_scale("up_blocks_1_attentions_0.*ff_net_0_proj|up_blocks_0_attentions_0.*ff_net_0_proj")


@mutation("held-decoder-one-scale", component="vae_decoder", stage="quantisation")
def decoder_one_scale() -> Effect:
    """The convolution behind the last upsampling has four bits and one scale for all its channels."""
    return _one_scale("up_blocks_1_upsamplers_0_conv")


def _one_scale(pattern: str) -> Effect:
    def edit(editor: PackageEditor) -> Culprit:
        name = weight(editor, pattern)
        values = editor.read(name).astype(np.float32)
        scale = float(np.abs(values).max()) / 7
        return changed(editor, name, _four_bits(values, scale) * scale)

    return Effect(edit=edit)


@mutation("held-unet-short-mantissa", component="unet", stage="quantisation", subtle=True)
def unet_short_mantissa() -> Effect:
    """Every kernel of the U-Net has three bits of mantissa, cut off and not rounded: floats of eight bits."""

    def edit(editor: PackageEditor) -> None:
        for name in kernels(editor):
            mantissa, exponent = np.frexp(editor.read(name).astype(np.float32))
            editor.write(name, np.ldexp(np.trunc(mantissa * 16) / 16, exponent))

    return Effect(edit=edit)
