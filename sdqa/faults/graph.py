"""Operations that a conversion translated wrongly: kinds, axes, orders, paddings, missing branches."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sdqa.errors import FaultError
from sdqa.faults.injection import Culprit, Effect
from sdqa.faults.registry import fault
from sdqa.faults.selection import at, masked_additions, residuals, spread

if TYPE_CHECKING:
    from sdqa.faults.package_editor import PackageEditor

Change = Callable[["PackageEditor", Any], None]


def _drop_second(_: PackageEditor, operation: Any) -> None:
    operation.type = "identity"
    del operation.inputs["y"]


def _some(editor: PackageEditor, operations: list[Any], share: float, change: Change) -> Culprit | None:
    """Change a share of the operations; a single one is the culprit."""
    if not operations:
        raise FaultError("the package has no such operation", where=editor.folder.name)
    chosen = spread(operations, share)
    culprit = Culprit(operation=editor.name_of(chosen[0])) if len(chosen) == 1 else None
    for operation in chosen:
        change(editor, operation)
    return culprit


def _activation(share: float) -> Effect:
    def relu(_: PackageEditor, operation: Any) -> None:
        operation.type = "relu"
        if "mode" in operation.inputs:
            del operation.inputs["mode"]

    return Effect(edit=lambda editor: _some(editor, editor.operations("silu", "gelu"), share, relu))


@fault(
    "unet-activation",
    component="unet",
    stage="conversion",
    rows=(15,),
    severities={"mild": 0.03, "marked": 0.3, "severe": 1.0},
)
def unet_activation(share: float) -> Effect:
    """Activations of the U-Net became ReLU."""
    return _activation(share)


@fault(
    "vae-decoder-activation",
    component="vae_decoder",
    stage="conversion",
    rows=(15,),
    severities={"mild": 0.05, "marked": 0.3, "severe": 1.0},
)
def vae_decoder_activation(share: float) -> Effect:
    """Activations of the VAE decoder became ReLU."""
    return _activation(share)


@fault(
    "text-encoder-activation",
    component="text_encoder",
    stage="conversion",
    rows=(15,),
    severities={"mild": 0.5, "marked": 1.0},
)
def text_encoder_activation(share: float) -> Effect:
    """The sigmoid inside quick GELU became a hard one."""

    def harden(editor: PackageEditor, operation: Any) -> None:
        operation.type = "sigmoid_hard"
        editor.bind(operation, "alpha", editor.number_like(0.2, operation, "x"))
        editor.bind(operation, "beta", editor.number_like(0.5, operation, "x"))

    return Effect(edit=lambda editor: _some(editor, editor.operations("sigmoid"), share, harden))


@fault(
    "vae-upsampling",
    component="vae_decoder",
    stage="conversion",
    rows=(16,),
    severities={"mild": 0.99, "marked": 0.0},
)
def vae_upsampling(position: float) -> Effect:
    """Nearest-neighbour upsampling became bilinear: the last, or the first of the VAE decoder."""

    def edit(editor: PackageEditor) -> Culprit:
        operation = at(editor.operations("upsample_nearest_neighbor"), position)
        culprit = Culprit(operation=editor.name_of(operation))
        operation.type = "upsample_bilinear"
        editor.bind(operation, "align_corners", editor.constant(False, before=operation))
        return culprit

    return Effect(edit=edit)


def _shifted_padding(share: float) -> Effect:
    def shift(editor: PackageEditor, operation: Any) -> None:
        editor.set_argument(operation, "pad", [2, 0, 2, 0])

    def padded(editor: PackageEditor) -> list[Any]:
        found = []
        for operation in editor.operations("conv"):
            name = editor.constant_of(operation, "pad")
            if name is not None and editor.read(name).tolist() == [1, 1, 1, 1]:
                found.append(operation)
        return found

    return Effect(edit=lambda editor: _some(editor, padded(editor), share, shift))


@fault(
    "vae-padding-shifted",
    component="vae_decoder",
    stage="conversion",
    rows=(16,),
    severities={"mild": 0.01, "marked": 0.2, "severe": 1.0},
)
def vae_padding_shifted(share: float) -> Effect:
    """Convolutions of the VAE decoder pad only above and left: the picture creeps."""
    return _shifted_padding(share)


@fault(
    "unet-padding-shifted",
    component="unet",
    stage="conversion",
    rows=(16,),
    severities={"mild": 0.01, "marked": 0.2, "severe": 1.0},
)
def unet_padding_shifted(share: float) -> Effect:
    """Convolutions of the U-Net pad only above and left."""
    return _shifted_padding(share)


@fault(
    "unet-skip-order",
    component="unet",
    stage="conversion",
    rows=(29,),
    severities={"mild": 0.01, "marked": 0.5, "severe": 1.0},
)
def unet_skip_order(share: float) -> Effect:
    """Skip connections are concatenated in front instead of behind."""

    def exchange(editor: PackageEditor, operation: Any) -> None:
        editor.bind(operation, "values", *reversed(editor.inputs_of(operation, "values")))

    def skips(editor: PackageEditor) -> list[Any]:
        return [
            operation
            for operation in editor.operations("concat")
            if len(editor.shape_of(operation.outputs[0].name)) == 4
        ]

    return Effect(edit=lambda editor: _some(editor, skips(editor), share, exchange))


@fault(
    "time-embedding-swapped",
    component="unet",
    stage="conversion",
    rows=(20,),
    severities={"severe": ("sin", "cos")},
)
def time_embedding_swapped(kinds: tuple[str, str]) -> Effect:
    """The sine and cosine halves of the time embedding are exchanged."""

    def edit(editor: PackageEditor) -> Culprit:
        first, second = (editor.operations(kind) for kind in kinds)
        if not first or not second:
            raise FaultError("the package has no time embedding", where=editor.folder.name)
        first[0].type, second[0].type = kinds[1], kinds[0]
        return Culprit(operation=editor.name_of(first[0]))

    return Effect(edit=edit)


@fault(
    "unet-residual-lost",
    component="unet",
    stage="conversion",
    rows=(29,),
    severities={"mild": 0.02, "marked": 0.1, "severe": 0.5},
)
def unet_residual_lost(share: float) -> Effect:
    """Residual additions lost one of their branches."""
    return _lost_branches(share)


@fault(
    "vae-residual-lost",
    component="vae_decoder",
    stage="conversion",
    rows=(29,),
    severities={"mild": 0.1, "marked": 0.3, "severe": 1.0},
)
def vae_residual_lost(share: float) -> Effect:
    """Residual additions of the VAE decoder lost one of their branches."""
    return _lost_branches(share)


def _lost_branches(share: float) -> Effect:
    return Effect(edit=lambda editor: _some(editor, residuals(editor), share, _drop_second))


@fault(
    "unet-softmax-axis",
    component="unet",
    stage="conversion",
    rows=(29,),
    severities={"mild": 0.01, "marked": 0.5, "severe": 1.0},
)
def unet_softmax_axis(share: float) -> Effect:
    """Attention is normalised over queries instead of keys."""

    def other_axis(editor: PackageEditor, operation: Any) -> None:
        editor.set_argument(operation, "axis", -2)

    return Effect(edit=lambda editor: _some(editor, editor.operations("softmax"), share, other_axis))


@fault(
    "text-pooled-position",
    component="text_encoder",
    stage="conversion",
    rows=(19,),
    severities={"marked": "reduce_argmin"},
)
def text_pooled_position(kind: str) -> Effect:
    """The pooled embedding is taken at a wrong token: the end of text is searched by another id."""

    def edit(editor: PackageEditor) -> Culprit:
        operations = editor.operations("reduce_argmax")
        if not operations:
            raise FaultError("the package does not search for the end of text", where=editor.folder.name)
        culprit = Culprit(operation=editor.name_of(operations[0]))
        operations[0].type = kind
        return culprit

    return Effect(edit=edit)


@fault(
    "text-mask-lost",
    component="text_encoder",
    stage="conversion",
    rows=(8, 9),
    severities={"marked": 0.01, "severe": 1.0},
)
def text_mask_lost(share: float) -> Effect:
    """The causal mask is gone from one layer or all: tokens see the ones behind them."""

    return Effect(edit=lambda editor: _some(editor, masked_additions(editor), share, _drop_second))
