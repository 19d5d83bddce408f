"""Two faults at once, in different places: does the diagnosis name both?

The pairs are chosen by place, not by outcome: every two of the five places (four components and the glue) meet, with
faults that take turns, at their default severities.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

from sdqa.errors import FaultError
from sdqa.faults.injection import Injection

PLANTED = {
    "text_encoder": ("text-encoder-noise", "text-mask-lost", "text-encoder-low-bits", "text-norm-epsilon"),
    "vae_encoder": ("vae-encoder-noise", "vae-encoder-low-bits", "vae-input-channels", "vae-encoder-overflow"),
    "unet": ("unet-noise", "unet-2bit", "unet-attention-overflow", "unet-drift"),
    "vae_decoder": ("vae-decoder-noise", "vae-decoder-low-bits", "vae-kernel-transposed", "vae-decoder-tile"),
    "glue": ("scaling-factor", "guidance-scale", "source-bgr", "timestep-offset"),
}
"""What takes turns in each place: conversion, precision, quantisation and runtime are all among them."""
TURNS = 4


def pairs(*, quick: bool = False) -> tuple[tuple[str, str], ...]:
    """The names of faults that are planted together: four pairs for every two places, or one to be quick."""
    found = []
    for index, (first, second) in enumerate(itertools.combinations(PLANTED, 2)):
        for turn in range(TURNS):
            if not quick or turn == index % TURNS:
                found.append((PLANTED[first][turn], PLANTED[second][(turn + index) % TURNS]))
    return tuple(found)


def together(first: Injection, second: Injection) -> Injection:
    """Two faults as one.

    Raises:
        FaultError: they are in each other's way: both change the same package, or both the glue.
    """
    same_package = first.package_component is not None and first.package_component == second.package_component
    both = [name for name in ("glue", "request", "figures") if getattr(first, name) and getattr(second, name)]
    if first.also or second.also or same_package or both:
        where = ", ".join(both) or first.package_component or "more than two"
        raise FaultError(f"{first.id} and {second.id} cannot be planted together", where=where)
    return replace(
        first,
        glue=first.glue or second.glue,
        request=first.request or second.request,
        figures=first.figures or second.figures,
        summary=f"{first.summary} Besides: {second.summary}",
        also=(second,),
    )
