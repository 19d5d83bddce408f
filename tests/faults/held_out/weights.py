"""Weights in the wrong place, with the wrong sign or twice: one tensor of one layer, most of them."""

from __future__ import annotations

import numpy as np

from sdqa.faults.injection import Culprit, Effect
from sdqa.faults.messages import Array
from sdqa.faults.package_editor import PackageEditor
from sdqa.faults.selection import user_of
from tests.faults.held_out.picking import changed, weight
from tests.faults.held_out.registry import mutation


def _scaled(pattern: str, factor: float, argument: str = "weight") -> Effect:
    def edit(editor: PackageEditor) -> Culprit:
        name = weight(editor, pattern, argument)
        return changed(editor, name, editor.read(name).astype(np.float32) * factor)

    return Effect(edit=edit)


def _turned(pattern: str) -> Effect:
    def edit(editor: PackageEditor) -> Culprit:
        name = weight(editor, pattern)
        return changed(editor, name, editor.read(name)[:, :, ::-1, ::-1])

    return Effect(edit=edit)


def _without_columns(pattern: str, first: int, last: int, of: int) -> Effect:
    """Zero some of `of` equal parts of a matrix's input columns."""

    def edit(editor: PackageEditor) -> Culprit:
        name = weight(editor, pattern)
        matrix = editor.read(name)
        width = matrix.shape[1] // of
        matrix[:, first * width : last * width] = 0
        return changed(editor, name, matrix)

    return Effect(edit=edit)


def _exchanged(first: str, second: str) -> Effect:
    """Two weights of one shape: neither operation alone is to be named."""

    def edit(editor: PackageEditor) -> None:
        names = weight(editor, first), weight(editor, second)
        one, other = (editor.read(name) for name in names)
        editor.write(names[0], other)
        editor.write(names[1], one)

    return Effect(edit=edit)


def _interleaved(values: Array, groups: int) -> Array:
    """Channels counted across the groups where they should be counted within them."""
    return np.ascontiguousarray(values.reshape(groups, -1).T).reshape(values.shape)


def _norm_interleaved(index: int) -> Effect:
    """Gamma and beta of one normalisation, by its place in the order of execution."""

    def edit(editor: PackageEditor) -> Culprit:
        name = editor.weights(["batch_norm"], "gamma")[index]
        operation = user_of(editor, name)
        for argument in ("gamma", "beta"):
            constant = editor.constant_of(operation, argument)
            if constant is not None:
                editor.write(constant, _interleaved(editor.read(constant), 2))
        return Culprit(editor.name_of(operation), name)

    return Effect(edit=edit)


# Text encoder.


@mutation("held-token-rows-shifted", component="text_encoder", stage="conversion")
def token_rows_shifted() -> Effect:
    """The upper half of the token table is one row off, as after an added token that only one side knows."""

    def edit(editor: PackageEditor) -> Culprit:
        name = next(name for name in editor.weights(["gather"], "x"))
        table = editor.read(name)
        middle = len(table) // 2
        table[middle:] = np.roll(table[middle:], 1, axis=0)
        return changed(editor, name, table)

    return Effect(edit=edit)


@mutation("held-text-head-zeroed", component="text_encoder", stage="conversion")
def text_head_zeroed() -> Effect:
    """The second attention head of the last layer reaches nobody: its columns of the output projection are zero."""
    return _without_columns("layers_1_self_attn_out_proj", 1, 2, of=4)


@mutation("held-text-query-bias-twice", component="text_encoder", stage="conversion", subtle=True)
def text_query_bias_twice() -> Effect:
    """The first layer's query bias was folded into a weight and added all the same: it counts twice."""
    return _scaled("layers_0_self_attn_q_proj", 2.0, "bias")


@mutation("held-text-hidden-units-rolled", component="text_encoder", stage="conversion")
def text_hidden_units_rolled() -> Effect:
    """The hidden units of the first MLP are in another order than its second matrix expects."""

    def edit(editor: PackageEditor) -> Culprit:
        name = weight(editor, "layers_0_mlp_fc1")
        matrix = editor.read(name)
        return changed(editor, name, np.roll(matrix, len(matrix) // 8, axis=0))

    return Effect(edit=edit)


@mutation("held-text-layers-exchanged", component="text_encoder", stage="conversion")
def text_layers_exchanged() -> Effect:
    """The last matrices of the first and the second layer have changed places."""
    return _exchanged("layers_0_mlp_fc2", "layers_1_mlp_fc2")


@mutation("held-text-final-shift-lost", component="text_encoder", stage="conversion", subtle=True)
def text_final_shift_lost() -> Effect:
    """The last normalisation of the text encoder has lost its beta."""
    return _scaled("final_layer_norm", 0.0, "beta")


# VAE encoder.


@mutation("held-encoder-kernel-turned", component="vae_encoder", stage="conversion")
def encoder_kernel_turned() -> Effect:
    """A kernel in the middle of the VAE encoder is turned by 180 degrees: convolution for correlation."""
    return _turned("mid_block_resnets_1_conv1")


@mutation("held-encoder-shortcut-scaled", component="vae_encoder", stage="conversion", subtle=True)
def encoder_shortcut_scaled() -> Effect:
    """The weights of the deepest shortcut in the VAE encoder are a fifth too small."""
    return _scaled("down_blocks_2_resnets_0_conv_shortcut", 0.8)


@mutation("held-encoder-last-mixing-lost", component="vae_encoder", stage="conversion")
def encoder_last_mixing_lost() -> Effect:
    """The 1 by 1 convolution behind the VAE encoder is the identity: an exporter left it out."""

    def edit(editor: PackageEditor) -> Culprit:
        name = weight(editor, "quant_conv")
        kernel = editor.read(name)
        return changed(editor, name, np.eye(len(kernel)).reshape(kernel.shape))

    return Effect(edit=edit)


@mutation("held-encoder-moments-exchanged", component="vae_encoder", stage="conversion")
def encoder_moments_exchanged() -> Effect:
    """Mean and log-variance have changed places among the rows of the VAE encoder's last kernel."""

    def edit(editor: PackageEditor) -> Culprit:
        name = weight(editor, "quant_conv")
        kernel = editor.read(name)
        return changed(editor, name, np.roll(kernel, len(kernel) // 2, axis=0))

    return Effect(edit=edit)


@mutation("held-encoder-norm-interleaved", component="vae_encoder", stage="conversion", subtle=True)
def encoder_norm_interleaved() -> Effect:
    """Gains and shifts of one normalisation of the VAE encoder are counted across its groups, not within them."""
    return _norm_interleaved(4)


# U-Net.


@mutation("held-unet-projection-scaled", component="unet", stage="conversion")
def unet_projection_scaled() -> Effect:
    """One value projection of cross-attention is half again too large: a LoRA was merged at another strength."""
    return _scaled("up_blocks_0_attentions_0.*attn2_to_v|up_blocks_1_attentions_0.*attn2_to_v", 1.5)


@mutation("held-unet-kernel-turned", component="unet", stage="conversion")
def unet_kernel_turned() -> Effect:
    """A kernel of the U-Net's second level is turned by 180 degrees."""
    return _turned("down_blocks_1_resnets_0_conv2")


@mutation("held-unet-head-zeroed", component="unet", stage="conversion")
def unet_head_zeroed() -> Effect:
    """One head of self-attention on the way down is pruned away in the output projection."""
    return _without_columns("down_blocks_1_attentions_0.*attn1_to_out", 2, 3, of=4)


@mutation("held-unet-depths-exchanged", component="unet", stage="conversion")
def unet_depths_exchanged() -> Effect:
    """Kernels of the first and the second level have changed places, as when blocks are counted from the other end."""
    return _exchanged("down_blocks_0_resnets_0_conv1", "down_blocks_1_resnets_0_conv1")


@mutation("held-unet-time-bias-lost", component="unet", stage="conversion")
def unet_time_bias_lost() -> Effect:
    """The time embedding's second layer has no bias."""
    return _scaled("time_embedding_linear_2", 0.0, "bias")


@mutation("held-unet-channels-pruned", component="unet", stage="conversion")
def unet_channels_pruned() -> Effect:
    """An eighth of one convolution's output channels on the way up are zero: pruned, and never tuned again."""

    def edit(editor: PackageEditor) -> Culprit:
        name = weight(editor, "up_blocks_1_resnets_0_conv1")
        kernel = editor.read(name)
        kernel[: len(kernel) // 8] = 0
        return changed(editor, name, kernel)

    return Effect(edit=edit)


# VAE decoder.


@mutation("held-decoder-last-kernel-turned", component="vae_decoder", stage="conversion")
def decoder_last_kernel_turned() -> Effect:
    """The last kernel of the VAE decoder is turned by 180 degrees."""
    return _turned("decoder_conv_out")


@mutation("held-decoder-first-bias-twice", component="vae_decoder", stage="conversion", subtle=True)
def decoder_first_bias_twice() -> Effect:
    """The bias of the 1 by 1 convolution before the VAE decoder counts twice."""
    return _scaled("post_quant_conv", 2.0, "bias")


@mutation("held-decoder-attention-negated", component="vae_decoder", stage="conversion")
def decoder_attention_negated() -> Effect:
    """The output projection of the VAE decoder's attention has the other sign."""
    return _scaled("attentions_0_to_out", -1.0)


@mutation("held-decoder-norm-interleaved", component="vae_decoder", stage="conversion")
def decoder_norm_interleaved() -> Effect:
    """Gains and shifts of the VAE decoder's last normalisation are counted across its groups."""
    return _norm_interleaved(-1)


@mutation("held-decoder-green-scaled", component="vae_decoder", stage="conversion", subtle=True)
def decoder_green_scaled() -> Effect:
    """The green row of the last kernel is a tenth too small: one channel's scale was stored with too few digits."""

    def edit(editor: PackageEditor) -> Culprit:
        name = weight(editor, "decoder_conv_out")
        kernel = editor.read(name).astype(np.float32)
        kernel[1] *= 0.9
        return changed(editor, name, kernel)

    return Effect(edit=edit)


@mutation("held-decoder-blocks-exchanged", component="vae_decoder", stage="conversion")
def decoder_blocks_exchanged() -> Effect:
    """The second kernels of two neighbouring blocks at full size have changed places."""
    return _exchanged("up_blocks_2_resnets_0_conv2", "up_blocks_2_resnets_1_conv2")


@mutation("held-decoder-value-transposed", component="vae_decoder", stage="conversion")
def decoder_value_transposed() -> Effect:
    """The square matrix of the attention's values is stored transposed."""

    def edit(editor: PackageEditor) -> Culprit:
        name = weight(editor, "attentions_0_to_v")
        return changed(editor, name, np.ascontiguousarray(editor.read(name).T))

    return Effect(edit=edit)
