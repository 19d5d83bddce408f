"""Operations that are nearly the right ones: another dilation, other groups, a gate on the wrong half."""

from __future__ import annotations

from typing import Any

from sdqa.errors import FaultError
from sdqa.faults.injection import Culprit, Effect
from sdqa.faults.package_editor import PackageEditor
from sdqa.faults.selection import at, residuals
from tests.faults.held_out.picking import user, users_of
from tests.faults.held_out.registry import mutation


def _one(editor: PackageEditor, kind: str, position: float) -> Any:
    """An operation of a kind, by its relative place in the order of execution."""
    operations = editor.operations(kind)
    if not operations:
        raise FaultError(f"the package has no {kind}", where=editor.folder.name)
    return at(operations, position)


def _halved(editor: PackageEditor, operation: Any, argument: str, index: int, factor: float) -> None:
    """Scale one of an operation's inputs, for it alone."""
    given = editor.inputs_of(operation, argument)
    value = given[index]
    scale = editor.number_like(factor, operation, argument)
    given[index] = editor.insert("mul", {"x": value, "y": scale}, value, before=operation)
    editor.bind(operation, argument, *given)


# Text encoder.


@mutation("held-text-gate-plain", component="text_encoder", stage="conversion", subtle=True)
def text_gate_plain() -> Effect:
    """Quick GELU of the last layer has lost its 1.702: it is SiLU."""

    def edit(editor: PackageEditor) -> Culprit:
        gates = [editor.inputs_of(one, "x")[0] for one in editor.operations("sigmoid")]
        operation = editor.definition(gates[-1])
        culprit = Culprit(editor.name_of(operation))
        editor.set_argument(operation, "y", 1.0)
        return culprit

    return Effect(edit=edit)


@mutation("held-text-attention-width", component="text_encoder", stage="conversion")
def text_attention_width() -> Effect:
    """The first layer's scores are divided by the root of the whole width, in place of a head's."""

    def edit(editor: PackageEditor) -> Culprit:
        softmax = editor.operations("softmax")[0]
        heads = editor.shape_of(softmax.outputs[0].name)[1]
        before = editor.operations()[: editor.operations().index(softmax)]
        operation = next(
            one for one in reversed(before) if one.type == "mul" and editor.constant_of(one, "y") is not None
        )
        culprit = Culprit(editor.name_of(operation))
        scale = float(editor.read(str(editor.constant_of(operation, "y"))))
        editor.set_argument(operation, "y", scale / heads**0.5)
        return culprit

    return Effect(edit=edit)


@mutation("held-text-last-layer-skipped", component="text_encoder", stage="conversion")
def text_last_layer_skipped() -> Effect:
    """The last normalisation is given what the layer before the last put out: a clip skip that nobody asked for."""

    def edit(editor: PackageEditor) -> Culprit:
        norm = editor.operations("layer_norm")[-1]
        culprit = Culprit(editor.name_of(norm))
        editor.bind(norm, "x", residuals(editor)[-3].outputs[0].name)
        return culprit

    return Effect(edit=edit)


# VAE encoder.


@mutation("held-encoder-padding-other-side", component="vae_encoder", stage="conversion")
def encoder_padding_other_side() -> Effect:
    """The first downsampling pads above and left, where the model was trained with below and right."""

    def edit(editor: PackageEditor) -> Culprit:
        operation = _one(editor, "pad", 0.0)
        culprit = Culprit(editor.name_of(operation))
        pads = editor.read(str(editor.constant_of(operation, "pad"))).tolist()
        turned = [pads[index ^ 1] for index in range(len(pads))]
        editor.set_argument(operation, "pad", turned)
        return culprit

    return Effect(edit=edit)


@mutation("held-encoder-skip-scaled", component="vae_encoder", stage="conversion")
def encoder_skip_scaled() -> Effect:
    """What goes around the VAE encoder's attention is halved before it is added."""

    def edit(editor: PackageEditor) -> None:
        additions = residuals(editor)
        _halved(editor, additions[-2], "y", 0, 0.5)

    return Effect(edit=edit)


@mutation("held-encoder-gelu", component="vae_encoder", stage="conversion", subtle=True)
def encoder_gelu() -> Effect:
    """The last activation of the VAE encoder is GELU, where it is SiLU in the model."""

    def edit(editor: PackageEditor) -> Culprit:
        operation = _one(editor, "silu", 1.0)
        culprit = Culprit(editor.name_of(operation))
        operation.type = "gelu"
        editor.bind(operation, "mode", editor.constant("EXACT", before=operation))
        return culprit

    return Effect(edit=edit)


# U-Net.


@mutation("held-unet-gelu-tanh", component="unet", stage="conversion", subtle=True)
def unet_gelu_tanh() -> Effect:
    """GELU of the feed-forward blocks is approximated by tanh, where the model has the error function."""

    def edit(editor: PackageEditor) -> None:
        for operation in editor.operations("gelu"):
            editor.set_argument(operation, "mode", "TANH_APPROXIMATION")

    return Effect(edit=edit)


@mutation("held-unet-gate-exchanged", component="unet", stage="conversion")
def unet_gate_exchanged() -> Effect:
    """In the last feed-forward block the gate and what it gates have changed places."""

    def edit(editor: PackageEditor) -> Culprit:
        split = _one(editor, "split", 1.0)
        first, second = (output.name for output in split.outputs)
        gate = next(one for one in users_of(editor, second) if one.type == "gelu")
        culprit = Culprit(editor.name_of(gate))
        for operation in users_of(editor, first) + users_of(editor, second):
            editor.rename_inputs(operation, {first: second, second: first})
        return culprit

    return Effect(edit=edit)


@mutation("held-unet-skip-scaled", component="unet", stage="conversion")
def unet_skip_scaled() -> Effect:
    """The first skip connection of the way up is halved before it is concatenated."""

    def edit(editor: PackageEditor) -> None:
        skips = [one for one in editor.operations("concat") if len(editor.shape_of(one.outputs[0].name)) == 4]
        _halved(editor, skips[0], "values", -1, 0.5)

    return Effect(edit=edit)


@mutation("held-unet-dilated", component="unet", stage="conversion")
def unet_dilated() -> Effect:
    """One convolution on the way up reads every second pixel: dilation 2, padded so that the size is right."""

    def edit(editor: PackageEditor) -> Culprit:
        operation = user(editor, "up_blocks_1_resnets_0_conv2")
        culprit = Culprit(editor.name_of(operation))
        editor.set_argument(operation, "dilations", [2, 2])
        editor.set_argument(operation, "pad", [2, 2, 2, 2])
        return culprit

    return Effect(edit=edit)


@mutation("held-unet-groups-halved", component="unet", stage="conversion")
def unet_groups_halved() -> Effect:
    """One normalisation of the U-Net has half as many groups, each twice as wide."""

    def edit(editor: PackageEditor) -> Culprit:
        grouped = [one for one in editor.operations("reshape") if len(editor.shape_of(one.outputs[0].name)) == 5]
        first = at(grouped, 0.5)
        culprit = Culprit(editor.name_of(first))
        count, groups, width, *rest = editor.shape_of(first.outputs[0].name)
        editor.set_argument(first, "shape", [count, groups // 2, 2 * width, *rest])
        inside = {first.outputs[0].name}
        for operation in editor.operations():
            value = operation.outputs[0].name
            if len(editor.shape_of(value)) == 5 and (editor.all_inputs(operation) & inside or value in inside):
                inside.add(value)
                sizes = editor.type_of(value).tensorType.dimensions
                sizes[1].constant.size = groups // 2
                sizes[2].constant.size = 2 * width if sizes[2].constant.size == width else 1
        return culprit

    return Effect(edit=edit)


# VAE decoder.


@mutation("held-decoder-sum-scaled", component="vae_decoder", stage="conversion")
def decoder_sum_scaled() -> Effect:
    """The sum behind the VAE decoder's first block is divided by the root of two: another model's output scale."""

    def edit(editor: PackageEditor) -> Culprit:
        addition = residuals(editor)[0]
        culprit = Culprit(editor.name_of(addition))
        editor.insert_after(addition.outputs[0].name, "mul", y=0.5**0.5)
        return culprit

    return Effect(edit=edit)


@mutation("held-decoder-tanh", component="vae_decoder", stage="conversion")
def decoder_tanh() -> Effect:
    """The picture goes through tanh, as some decoders' pictures do."""

    def edit(editor: PackageEditor) -> Culprit:
        last = _one(editor, "conv", 1.0)
        culprit = Culprit(editor.name_of(last))
        editor.insert_after(last.outputs[0].name, "tanh")
        return culprit

    return Effect(edit=edit)


@mutation("held-decoder-mean-kept", component="vae_decoder", stage="conversion")
def decoder_mean_kept() -> Effect:
    """One normalisation of the VAE decoder divides by the deviation and does not subtract the mean."""

    def edit(editor: PackageEditor) -> Culprit:
        centred = _one(editor, "sub", 0.6)
        value = centred.outputs[0].name
        division = next(one for one in users_of(editor, value) if one.type == "real_div")
        culprit = Culprit(editor.name_of(division))
        editor.rename_inputs(division, {value: editor.inputs_of(centred, "x")[0]})
        return culprit

    return Effect(edit=edit)
