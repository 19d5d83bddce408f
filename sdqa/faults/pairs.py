"""Two or three faults at once, in different places: does the diagnosis name them all?

They are chosen by place, not by outcome: every two, and every three, of the five places (four components and the glue)
meet, with faults that take turns, at their default severities.
"""

from __future__ import annotations

import itertools

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


STEPS_PRECISION_CONVERSION = ("too-few-steps", "timestep-rounded", "vae-kernel-transposed")
"""What people suspect all at once when pictures get worse: too few steps, half precision, the VAE's conversion."""


def triples() -> tuple[tuple[str, str, str], ...]:
    """The names of faults that are planted three at a time: two turns for every three places, and the usual suspects.

    The first turns come first, so that a part of the list still meets every place.
    """
    found = [STEPS_PRECISION_CONVERSION]
    for turn in range(2):
        for index, (one, two, three) in enumerate(itertools.combinations(PLANTED, 3)):
            at = 2 * turn + index
            chosen = (PLANTED[one][at % TURNS], PLANTED[two][(at + 1) % TURNS], PLANTED[three][(at + 2) % TURNS])
            found.append(chosen)
    return tuple(found)
