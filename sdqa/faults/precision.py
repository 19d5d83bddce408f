"""Half precision where it does not suffice: overflow, rounded timesteps, lost digits. Stage: precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdqa.errors import FaultError
from sdqa.faults.injection import Culprit, Effect
from sdqa.faults.registry import fault
from sdqa.faults.selection import at

if TYPE_CHECKING:
    from sdqa.faults.package_editor import PackageEditor


def _detour(editor: PackageEditor, value: str, exponent: int) -> None:
    """Scale a value by 2^exponent in its own type and back: exact, unless half precision overflows."""
    raised = editor.insert_after(value, "mul", y=float(2.0**exponent))
    editor.insert_after(raised, "mul", y=float(2.0**-exponent))


def _normalised_inputs(editor: PackageEditor) -> list[str]:
    """What group normalisations square, or else what normalisations take."""
    squared = [editor.inputs_of(operation, "x")[0] for operation in editor.operations("square")]
    found = squared or [editor.inputs_of(op, "x")[0] for op in editor.operations("layer_norm", "instance_norm")]
    if not found:
        raise FaultError("the package has no normalisation", where=editor.folder.name)
    return found


def _overflow(exponent: int, position: float) -> Effect:
    def edit(editor: PackageEditor) -> Culprit:
        value = at(_normalised_inputs(editor), position)
        _detour(editor, value, exponent)
        return Culprit(operation=editor.name_of(editor.definition(value)))

    return Effect(edit=edit)


@fault(
    "vae-decoder-overflow",
    component="vae_decoder",
    stage="precision",
    rows=(2, 14),
    severities={"mild": 12, "marked": 14, "severe": 15},
)
def vae_decoder_overflow(exponent: int) -> Effect:
    """Activations of the VAE decoder exceed half precision: black, as with SDXL's VAE."""
    return _overflow(exponent, 0.8)


@fault(
    "vae-encoder-overflow",
    component="vae_encoder",
    stage="precision",
    rows=(3, 14),
    severities={"mild": 13, "marked": 14, "severe": 15},
)
def vae_encoder_overflow(exponent: int) -> Effect:
    """Activations of the VAE encoder exceed half precision: black in image-to-image only."""
    return _overflow(exponent, 0.5)


@fault(
    "unet-attention-overflow",
    component="unet",
    stage="precision",
    rows=(4, 9),
    severities={"mild": 13, "marked": 14, "severe": 15},
)
def unet_attention_overflow(exponent: int) -> Effect:
    """Attention scores of the U-Net exceed half precision."""

    def edit(editor: PackageEditor) -> Culprit:
        softmax = at(editor.operations("softmax"), 0.5)
        value = editor.inputs_of(softmax, "x")[0]
        _detour(editor, value, exponent)
        return Culprit(operation=editor.name_of(editor.definition(value)))

    return Effect(edit=edit)


def _rounded_input(name: str, step: float) -> Effect:
    """Round an input to multiples of a step, as a type with too few digits does."""

    def edit(editor: PackageEditor) -> Culprit:
        users = [operation for operation in editor.operations() if name in editor.all_inputs(operation)]
        if not users:
            raise FaultError(f"the package does not use an input {name!r}", where=editor.folder.name)
        culprit = Culprit(operation=editor.name_of(users[0]))
        down = editor.insert_after(name, "mul", y=float(1 / step))
        whole = editor.insert_after(down, "round")
        editor.insert_after(whole, "mul", y=float(step))
        return culprit

    return Effect(edit=edit)


@fault(
    "timestep-rounded",
    component="unet",
    stage="precision",
    rows=(21,),
    severities={"mild": 8.0, "marked": 64.0, "severe": 256.0},
)
def timestep_rounded(step: float) -> Effect:
    """The timestep is rounded to a coarse grid before it is embedded."""
    return _rounded_input("timestep", step)


@fault(
    "latents-rounded",
    component="vae_decoder",
    stage="precision",
    rows=(22,),
    severities={"mild": 0.125, "marked": 0.5, "severe": 2.0},
)
def latents_rounded(step: float) -> Effect:
    """The latents are rounded to a coarse grid on the way into the VAE decoder."""
    return _rounded_input("z", step)


def _coarse_activations(step: float, position: float) -> Effect:
    def edit(editor: PackageEditor) -> Culprit:
        value = at([op.outputs[0].name for op in editor.operations("conv")][:-1], position)
        down = editor.insert_after(value, "mul", y=float(1 / step))
        whole = editor.insert_after(down, "round")
        editor.insert_after(whole, "mul", y=float(step))
        return Culprit(operation=editor.name_of(editor.definition(value)))

    return Effect(edit=edit)


@fault(
    "unet-coarse-activations",
    component="unet",
    stage="precision",
    rows=(27,),
    severities={"mild": 0.25, "marked": 2.0, "severe": 8.0},
)
def unet_coarse_activations(step: float) -> Effect:
    """An activation of the U-Net is quantised with too large a step."""
    return _coarse_activations(step, 0.5)


def _clipped(limit: float, position: float) -> Effect:
    def edit(editor: PackageEditor) -> Culprit:
        convolutions: list[Any] = editor.operations("conv")[:-1]
        value = at([operation.outputs[0].name for operation in convolutions], position)
        editor.insert_after(value, "clip", alpha=-limit, beta=limit)
        return Culprit(operation=editor.name_of(editor.definition(value)))

    return Effect(edit=edit)


@fault(
    "vae-decoder-clipped",
    component="vae_decoder",
    stage="precision",
    rows=(2, 15),
    severities={"mild": 4.0, "marked": 1.0, "severe": 0.3},
)
def vae_decoder_clipped(limit: float) -> Effect:
    """An activation of the VAE decoder saturates at a limit that real latents exceed."""
    return _clipped(limit, 0.5)
