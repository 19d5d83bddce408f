"""Constants that are wrong: epsilons, attention scales, frequencies, masks, token tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sdqa.errors import FaultError
from sdqa.faults.injection import Culprit, Effect
from sdqa.faults.registry import fault
from sdqa.faults.selection import masked_additions, spread

if TYPE_CHECKING:
    from sdqa.faults.package_editor import PackageEditor


def _epsilons(editor: PackageEditor) -> list[tuple[Any, str]]:
    """Operations and arguments that hold a normalisation's epsilon: explicit ones, or the addition before a root."""
    found = [(operation, "epsilon") for operation in editor.operations("layer_norm", "instance_norm")]
    rooted = {name for operation in editor.operations("sqrt", "rsqrt") for name in editor.inputs_of(operation, "x")}
    for operation in editor.operations("add"):
        if operation.outputs[0].name in rooted and editor.constant_of(operation, "y") is not None:
            found.append((operation, "y"))
    if not found:
        raise FaultError("the package has no normalisation", where=editor.folder.name)
    return found


def _epsilon(level: float) -> Effect:
    def edit(editor: PackageEditor) -> None:
        for operation, argument in _epsilons(editor):
            editor.set_argument(operation, argument, level)

    return Effect(edit=edit)


@fault(
    "unet-norm-epsilon",
    component="unet",
    stage="conversion",
    rows=(13,),
    severities={"mild": 1e-3, "marked": 0.1, "severe": 1.0},
)
def unet_norm_epsilon(level: float) -> Effect:
    """The epsilon of the U-Net's normalisations is inflated."""
    return _epsilon(level)


@fault(
    "vae-norm-epsilon",
    component="vae_decoder",
    stage="conversion",
    rows=(13, 14),
    severities={"mild": 1e-3, "marked": 0.3, "severe": 3.0},
)
def vae_norm_epsilon(level: float) -> Effect:
    """The epsilon of the VAE decoder's normalisations is inflated."""
    return _epsilon(level)


@fault(
    "text-norm-epsilon",
    component="text_encoder",
    stage="conversion",
    rows=(13,),
    severities={"mild": 1e-3, "marked": 0.3, "severe": 3.0},
)
def text_norm_epsilon(level: float) -> Effect:
    """The epsilon of the text encoder's normalisations is inflated."""
    return _epsilon(level)


@fault(
    "unet-attention-scale",
    component="unet",
    stage="conversion",
    rows=(4,),
    severities={"mild": 1.2, "marked": 3.0, "severe": 20.0},
)
def unet_attention_scale(factor: float) -> Effect:
    """Attention scores are scaled wrongly: another head width, or not at all."""

    def edit(editor: PackageEditor) -> None:
        scores = [editor.inputs_of(operation, "x")[0] for operation in editor.operations("softmax")]
        fused = editor.operations("scaled_dot_product_attention")
        scores += [editor.inputs_of(operation, "query")[0] for operation in fused]
        if not scores:
            raise FaultError("the package has no attention", where=editor.folder.name)
        for value in dict.fromkeys(scores):
            editor.insert_after(value, "mul", y=factor)

    return Effect(edit=edit)


def _frequencies(editor: PackageEditor) -> tuple[Any, str]:
    """The multiplication that makes phases of timesteps, and its table of frequencies."""
    phases = {name for operation in editor.operations("sin", "cos") for name in editor.inputs_of(operation, "x")}
    for operation in editor.operations("mul"):
        name = editor.constant_of(operation, "y")
        if operation.outputs[0].name in phases and name is not None:
            return operation, name
    raise FaultError("the package has no time embedding", where=editor.folder.name)


@fault(
    "time-frequencies",
    component="unet",
    stage="conversion",
    rows=(20, 21),
    severities={"mild": 1.01, "marked": 1.1, "severe": 2.0},
)
def time_frequencies(factor: float) -> Effect:
    """The time embedding's frequencies are stretched: another base, or a shift by one."""

    def edit(editor: PackageEditor) -> Culprit:
        operation, name = _frequencies(editor)
        culprit = Culprit(editor.name_of(operation), name)
        editor.write(name, editor.read(name).astype(np.float32) * factor)
        return culprit

    return Effect(edit=edit)


@fault(
    "token-ids-rounded",
    component="text_encoder",
    stage="conversion",
    rows=(18,),
    severities={"mild": 2, "marked": 4, "severe": 16},
)
def token_ids_rounded(step: int) -> Effect:
    """Token ids went through a type of too few digits: each becomes the nearest multiple of a step."""

    def edit(editor: PackageEditor) -> Culprit:
        gathers = [operation for operation in editor.operations("gather") if editor.constant_of(operation, "x")]
        if not gathers:
            raise FaultError("the package has no token table", where=editor.folder.name)
        name = editor.constant_of(gathers[0], "x") or ""
        table = editor.read(name)
        rounded = np.minimum(np.rint(np.arange(len(table)) / step).astype(int) * step, len(table) - 1)
        culprit = Culprit(editor.name_of(gathers[0]), name)
        editor.write(name, table[rounded])
        return culprit

    return Effect(edit=edit)


@fault(
    "text-mask-infinite",
    component="text_encoder",
    stage="precision",
    rows=(8, 9),
    severities={"marked": 1, "severe": 77},
)
def text_mask_infinite(rows: int) -> Effect:
    """The causal mask overflowed to -inf, its diagonal included: softmax of the first rows is NaN."""

    def edit(editor: PackageEditor) -> Culprit:
        operation = masked_additions(editor)[0]
        name = editor.constant_of(operation, "y") or ""
        mask = editor.read(name)
        mask[..., :rows, :] = -np.inf
        editor.write(name, mask)
        return Culprit(editor.name_of(operation), name)

    return Effect(edit=edit)


@fault(
    "vae-image-mean",
    component="vae_decoder",
    stage="conversion",
    rows=(22, 29),
    severities={"mild": 0.02, "marked": 0.1, "severe": 0.5},
)
def vae_image_mean(offset: float) -> Effect:
    """The last bias of the VAE decoder is off: a normalisation was folded in that does not belong there."""

    def edit(editor: PackageEditor) -> Culprit:
        operation = editor.operations("conv")[-1]
        name = editor.constant_of(operation, "bias")
        if name is None:
            raise FaultError("the last convolution has no bias", where=editor.folder.name)
        editor.write(name, editor.read(name).astype(np.float32) + offset)
        return Culprit(editor.name_of(operation), name)

    return Effect(edit=edit)


@fault(
    "unet-norm-gains",
    component="unet",
    stage="conversion",
    rows=(13,),
    severities={"mild": 1.02, "marked": 1.1, "severe": 2.0},
)
def unet_norm_gains(factor: float) -> Effect:
    """A tenth of the U-Net's normalisations have too large a gain."""

    def edit(editor: PackageEditor) -> None:
        for name in spread(editor.weights(["batch_norm", "layer_norm", "instance_norm"], "gamma"), 0.1):
            editor.write(name, editor.read(name).astype(np.float32) * factor)

    return Effect(edit=edit)
