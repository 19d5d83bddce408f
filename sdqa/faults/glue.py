"""Mistakes between the components: scaling factors, guidance, prompts, channel order, value range, noise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sdqa.faults.injection import Effect
from sdqa.faults.registry import fault

if TYPE_CHECKING:
    from sdqa.generate.pipeline import Request

OTHER_SEED = 20_240_607
"""Seeds the noise of "another generator"; any number that no case uses."""


def _glue(**changes: Any) -> Effect:
    from sdqa.generate.pipeline import Glue

    return Effect(glue=Glue(**changes))


@fault(
    "scaling-factor",
    component="glue",
    stage="glue",
    rows=(22,),
    severities={"mild": 0.6, "marked": 1.0, "severe": 0.13025},
)
def scaling_factor(factor: float) -> Effect:
    """The VAE's scaling factor is not this model's: another's, or forgotten (1)."""
    return _glue(scaling_factor=factor)


@fault(
    "decode-scaling-factor",
    component="glue",
    stage="glue",
    rows=(22,),
    severities={"mild": 0.5, "marked": 0.8, "severe": 1.0},
)
def decode_scaling_factor(factor: float) -> Effect:
    """Latents are divided by another scaling factor before they are decoded: washed out or over-saturated."""
    return _glue(decode_scaling_factor=factor)


@fault(
    "guidance-scale",
    component="glue",
    stage="glue",
    rows=(24,),
    severities={"mild": 0.8, "marked": 2.0, "severe": 4.0},
)
def guidance_scale(factor: float) -> Effect:
    """The guidance scale is multiplied: the app's default in place of the case's."""

    def change(request: Request) -> Request:
        return replace(request, guidance_scale=1 + (request.guidance_scale - 1) * factor)

    return Effect(request=change)


@fault(
    "guidance-off", component="glue", stage="glue", rows=(24,), severities={"mild": 0.75, "marked": 0.5, "severe": 0.0}
)
def guidance_off(share: float) -> Effect:
    """Classifier-free guidance is weaker than asked for, or off."""

    def change(request: Request) -> Request:
        return replace(request, guidance_scale=1 + (request.guidance_scale - 1) * share)

    return Effect(request=change)


@fault("guidance-swapped", component="glue", stage="glue", rows=(24, 29), severities={"severe": True})
def guidance_swapped(swap: bool) -> Effect:
    """The halves with and without the prompt are exchanged: guidance pushes away from the prompt."""
    return _glue(swap_guidance=swap)


@fault(
    "prompt-truncated",
    component="glue",
    stage="glue",
    rows=(18,),
    severities={"mild": 0.7, "marked": 0.4, "severe": 0.0},
)
def prompt_truncated(share: float) -> Effect:
    """Only the first part of the prompt's words reaches the text encoder."""

    def change(request: Request) -> Request:
        words = request.prompt.split()
        return replace(request, prompt=" ".join(words[: int(share * len(words))]))

    return Effect(request=change)


@fault(
    "prompt-other-words",
    component="glue",
    stage="glue",
    rows=(18,),
    severities={"mild": 6, "marked": 3, "severe": 1},
)
def prompt_other_words(every: int) -> Effect:
    """Every n-th word of the prompt becomes unknown, as with another vocabulary."""

    def change(request: Request) -> Request:
        words = ["zyx" if index % every == every - 1 else word for index, word in enumerate(request.prompt.split())]
        return replace(request, prompt=" ".join(words))

    return Effect(request=change)


@fault(
    "other-noise",
    component="glue",
    stage="glue",
    rows=(24,),
    severities={"mild": 0.15, "marked": 0.5, "severe": 1.0},
)
def other_noise(share: float) -> Effect:
    """The initial noise comes from another generator, mixed in at constant variance; wholly at the severest."""

    def change(request: Request) -> Request:
        from sdqa.generate.noise import Noise

        shape = request.noise.initial.shape
        other = Noise.draw(OTHER_SEED, (shape[0], shape[1], shape[2])).initial
        mixed = np.sqrt(1 - share**2) * request.noise.initial + share * other
        return replace(request, noise=replace(request.noise, initial=mixed.astype(np.float32)))

    return Effect(request=change)


@fault(
    "noise-scaled",
    component="glue",
    stage="glue",
    rows=(23,),
    severities={"mild": 0.97, "marked": 0.85, "severe": 0.5},
)
def noise_scaled(factor: float) -> Effect:
    """The initial noise has too small a standard deviation: a scheduler's initial sigma applied wrongly."""

    def change(request: Request) -> Request:
        noise = replace(request.noise, initial=(factor * request.noise.initial).astype(np.float32))
        return replace(request, noise=noise)

    return Effect(request=change)


@fault("strength", component="glue", stage="glue", rows=(23,), severities={"mild": 0.9, "marked": 0.75, "severe": 0.4})
def strength(factor: float) -> Effect:
    """Image-to-image runs at another strength than asked for."""

    def change(request: Request) -> Request:
        return replace(request, strength=max(request.strength * factor, 1.01 / request.steps))

    return Effect(request=change)


@fault("source-bgr", component="glue", stage="glue", rows=(29,), severities={"marked": "bgr"})
def source_bgr(transform: str) -> Effect:
    """The source picture's channels are in the order blue, green, red."""
    return _glue(source_transform=transform)


@fault(
    "source-flipped", component="glue", stage="glue", rows=(29,), severities={"marked": "flip", "severe": "transpose"}
)
def source_flipped(transform: str) -> Effect:
    """The source picture is mirrored, or rows and columns are exchanged."""
    return _glue(source_transform=transform)


@fault("output-bgr", component="glue", stage="glue", rows=(29,), severities={"marked": "bgr"})
def output_bgr(transform: str) -> Effect:
    """The decoded picture's channels are written in the order blue, green, red."""
    return _glue(output_transform=transform)


@fault("output-unit-range", component="glue", stage="glue", rows=(29,), severities={"marked": "unit-range"})
def output_unit_range(transform: str) -> Effect:
    """The decoded picture is mapped to [0, 1] once too often: washed out."""
    return _glue(output_transform=transform)


@fault(
    "output-transposed",
    component="glue",
    stage="glue",
    rows=(29,),
    severities={"marked": "flip", "severe": "transpose"},
)
def output_transposed(transform: str) -> Effect:
    """The decoded picture is mirrored, or written column by column."""
    return _glue(output_transform=transform)
