"""Weights in another order than the operations read them: transposed, reshaped, permuted, exchanged, shifted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sdqa.faults.injection import Culprit, Effect
from sdqa.faults.registry import fault
from sdqa.faults.selection import at, kernels, matching, replaced, spread

if TYPE_CHECKING:
    from sdqa.faults.package_editor import PackageEditor


def _transposed(pattern: str, position: float) -> Effect:
    def edit(editor: PackageEditor) -> Culprit:
        name = at(matching(kernels(editor, spatial=True), pattern), position)
        return replaced(editor, name, editor.read(name).swapaxes(2, 3))

    return Effect(edit=edit)


@fault(
    "vae-kernel-transposed",
    component="vae_decoder",
    stage="conversion",
    rows=(16, 29),
    severities={"mild": 0.9, "marked": 0.3, "severe": 0.0},
)
def vae_kernel_transposed(position: float) -> Effect:
    """One kernel of the VAE decoder has height and width exchanged."""
    return _transposed("", position)


@fault(
    "vae-upsampler-transposed",
    component="vae_decoder",
    stage="conversion",
    rows=(16, 29),
    severities={"mild": 0.99, "marked": 0.0},
)
def vae_upsampler_transposed(position: float) -> Effect:
    """The convolution of an upsampler in the VAE decoder has height and width exchanged."""
    return _transposed("upsampl", position)


@fault(
    "unet-kernel-transposed",
    component="unet",
    stage="conversion",
    rows=(29,),
    severities={"mild": 0.5, "marked": 0.1, "severe": 0.0},
)
def unet_kernel_transposed(position: float) -> Effect:
    """One kernel of the U-Net has height and width exchanged: a middle, an early, the first one."""
    return _transposed("", position)


@fault(
    "vae-encoder-kernel-transposed",
    component="vae_encoder",
    stage="conversion",
    rows=(29,),
    severities={"mild": 0.5, "marked": 0.0, "severe": 0.99},
)
def vae_encoder_kernel_transposed(position: float) -> Effect:
    """One kernel of the VAE encoder has height and width exchanged."""
    return _transposed("", position)


@fault(
    "unet-linear-reshaped",
    component="unet",
    stage="conversion",
    rows=(29,),
    severities={"mild": 0.3, "marked": 0.15, "severe": 0.0},
)
def unet_linear_reshaped(position: float) -> Effect:
    """A linear layer's matrix was reshaped where it should have been transposed."""

    def edit(editor: PackageEditor) -> Culprit:
        name = at(editor.weights(["linear"]), position)
        matrix = editor.read(name)
        return replaced(editor, name, np.ascontiguousarray(matrix.T).reshape(matrix.shape))

    return Effect(edit=edit)


@fault(
    "text-encoder-query-transposed",
    component="text_encoder",
    stage="conversion",
    rows=(29,),
    severities={"mild": ("q_proj", 0.9), "marked": ("fc2|out_proj", 0.9), "severe": ("v_proj", 0.0)},
)
def text_encoder_query_transposed(place: tuple[str, float]) -> Effect:
    """A projection of the text encoder is stored transposed."""
    pattern, position = place

    def edit(editor: PackageEditor) -> Culprit:
        name = at(matching(editor.weights(["linear"]), pattern), position)
        matrix = editor.read(name)
        return replaced(editor, name, np.ascontiguousarray(matrix.T).reshape(matrix.shape))

    return Effect(edit=edit)


@fault(
    "unet-heads-permuted",
    component="unet",
    stage="conversion",
    rows=(29,),
    severities={"mild": 0.1, "marked": 0.5, "severe": 1.0},
)
def unet_heads_permuted(share: float) -> Effect:
    """Attention heads of the value projections are in another order than the output projections expect."""

    def edit(editor: PackageEditor) -> None:
        values = [name for name in kernels(editor) if "to_v" in name] or kernels(editor)
        for name in spread(values, share):
            matrix = editor.read(name)
            editor.write(name, np.roll(matrix, matrix.shape[0] // 4, axis=0))

    return Effect(edit=edit)


@fault(
    "unet-weights-exchanged",
    component="unet",
    stage="conversion",
    rows=(1,),
    severities={
        "mild": ("attn2_to_k", "attn2_to_v"),
        "marked": ("resnets_._conv1", "resnets_._conv2"),
        "severe": ("", ""),
    },
)
def unet_weights_exchanged(patterns: tuple[str, str]) -> Effect:
    """Two weights of the same shape are exchanged, as when a key map pairs them wrongly."""

    def edit(editor: PackageEditor) -> None:
        names = kernels(editor)
        shape_of = {name: editor.graph.body.constants[name].type.shape for name in names}
        firsts, seconds = matching(names, patterns[0]), matching(names, patterns[1])
        pairs = [(a, b) for a in firsts for b in seconds if a != b and shape_of[a] == shape_of[b]]
        chosen = pairs[:1] if patterns[0] else spread(pairs, 0.05)
        for first, second in chosen:
            one, other = editor.read(first), editor.read(second)
            editor.write(first, other)
            editor.write(second, one)

    return Effect(edit=edit)


@fault(
    "vae-output-channels",
    component="vae_decoder",
    stage="conversion",
    rows=(29,),
    severities={"mild": 0.1, "marked": 0.5, "severe": 1.0},
)
def vae_output_channels(share: float) -> Effect:
    """Red and blue leak into each other in the decoder's last convolution; fully exchanged at the severest."""

    def edit(editor: PackageEditor) -> Culprit:
        operation = editor.operations("conv")[-1]
        culprit = Culprit(editor.name_of(operation), editor.constant_of(operation, "weight"))
        for argument in ("weight", "bias"):
            name = editor.constant_of(operation, argument)
            if name is not None:
                values = editor.read(name).astype(np.float32)
                editor.write(name, (1 - share) * values + share * values[::-1])
        return culprit

    return Effect(edit=edit)


@fault(
    "vae-input-channels",
    component="vae_encoder",
    stage="conversion",
    rows=(29,),
    severities={"mild": 0.1, "marked": 0.5, "severe": 1.0},
)
def vae_input_channels(share: float) -> Effect:
    """Red and blue leak into each other in the encoder's first convolution; fully exchanged at the severest."""

    def edit(editor: PackageEditor) -> Culprit:
        operation = editor.operations("conv")[0]
        name = editor.weights(["conv"])[0]
        values = editor.read(name).astype(np.float32)
        editor.write(name, (1 - share) * values + share * values[:, ::-1])
        return Culprit(editor.name_of(operation), name)

    return Effect(edit=edit)


@fault(
    "text-positions-shifted",
    component="text_encoder",
    stage="conversion",
    rows=(19,),
    severities={"mild": 1, "marked": 4, "severe": 38},
)
def text_positions_shifted(places: int) -> Effect:
    """Position embeddings are shifted against the tokens."""

    def edit(editor: PackageEditor) -> Culprit:
        name = next(iter(matching(_added_tables(editor), "position")))
        table = editor.read(name)
        return replaced(editor, name, np.roll(table, places, axis=-2))

    return Effect(edit=edit)


def _added_tables(editor: PackageEditor) -> list[str]:
    """Constants of (1, S, D) that an addition is given."""
    names = editor.weights(["add"], "y") + editor.weights(["add"], "x")
    return [name for name in names if len(editor.graph.body.constants[name].type.shape) in (2, 3)]
