"""Faults of execution: NaN at a step, garbage in a tile, stale buffers, drift. The package itself is sound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sdqa.faults.injection import Effect
from sdqa.faults.registry import fault
from sdqa.faults.runners import Change, FaultyRunner, Outputs, ScaledInputs
from sdqa.faults.selection import generator
from sdqa.runtime import Arrays


def _wrapped(make: Callable[[], Change]) -> Effect:
    """`make` gives each runner a change of its own, so that what it remembers starts anew."""
    return Effect(wrap=lambda runner: FaultyRunner(runner, make()))


def _each(change: Callable[[int, np.ndarray[Any, Any]], None]) -> Effect:
    """Change every output in place."""

    def apply(call: int, outputs: Outputs, _: Arrays) -> Outputs:
        for value in outputs.values():
            change(call, value)
        return outputs

    return _wrapped(lambda: apply)


def _tile(value: np.ndarray[Any, Any], share: float) -> np.ndarray[Any, Any]:
    """A view of a square tile off the centre, `share` of the height and width."""
    height, width = value.shape[-2:]
    top, left = height // 4, width // 3
    return value[..., top : top + max(1, round(height * share)), left : left + max(1, round(width * share))]


@fault(
    "nan",
    component="unet",
    stage="runtime",
    rows=(4, 6),
    severities={"mild": (2, 1), "marked": (2, 64), "severe": (0, None)},
)
def nan(place: tuple[int, int | None]) -> Effect:
    """The U-Net puts out NaN at one step (level: which call, how many elements)."""
    step, count = place

    def change(call: int, value: np.ndarray[Any, Any]) -> None:
        if call == step:
            value.reshape(-1)[:count] = np.nan

    return _each(change)


@fault(
    "vae-decoder-nan",
    component="vae_decoder",
    stage="runtime",
    rows=(2,),
    severities={"mild": 0.02, "marked": 0.25, "severe": 1.0},
)
def vae_decoder_nan(share: float) -> Effect:
    """The VAE decoder puts out NaN in a tile, or everywhere: black."""

    def change(_: int, value: np.ndarray[Any, Any]) -> None:
        (value if share == 1 else _tile(value, share))[...] = np.nan

    return _each(change)


@fault(
    "vae-encoder-infinite",
    component="vae_encoder",
    stage="runtime",
    rows=(3,),
    severities={"mild": 0.06, "marked": 0.25, "severe": 1.0},
)
def vae_encoder_infinite(share: float) -> Effect:
    """The VAE encoder overflows to infinity: black, in image-to-image only."""

    def change(_: int, value: np.ndarray[Any, Any]) -> None:
        (value if share == 1 else _tile(value, share))[...] = np.inf

    return _each(change)


@fault(
    "vae-decoder-tile",
    component="vae_decoder",
    stage="runtime",
    rows=(5, 7),
    severities={"mild": 0.05, "marked": 0.15, "severe": 0.4},
)
def vae_decoder_tile(share: float) -> Effect:
    """A tile of the decoded picture is garbage, the rest is right."""

    def change(_: int, value: np.ndarray[Any, Any]) -> None:
        tile = _tile(value, share)
        tile[...] = generator("vae-decoder-tile").uniform(-1, 1, tile.shape)

    return _each(change)


@fault(
    "unet-tile",
    component="unet",
    stage="runtime",
    rows=(5, 7),
    severities={"mild": 0.1, "marked": 0.25, "severe": 0.5},
)
def unet_tile(share: float) -> Effect:
    """A tile of the predicted noise is garbage at every step, from shape-dependent kernels."""

    def change(call: int, value: np.ndarray[Any, Any]) -> None:
        tile = _tile(value, share)
        tile[...] = generator(f"unet-tile {call}").standard_normal(tile.shape)

    return _each(change)


@fault(
    "unet-drift",
    component="unet",
    stage="runtime",
    rows=(5, 6),
    severities={"mild": 0.01, "marked": 0.1, "severe": 0.5},
)
def unet_drift(level: float) -> Effect:
    """The U-Net's outputs carry noise, a share of their own deviation: a compute unit that disagrees."""

    def change(call: int, value: np.ndarray[Any, Any]) -> None:
        value += level * value.std() * generator(f"unet-drift {call}").standard_normal(value.shape).astype(value.dtype)

    return _each(change)


@fault(
    "unet-fancy-noise",
    component="unet",
    stage="runtime",
    rows=(6,),
    severities={"mild": 12, "marked": 6, "severe": 0},
)
def unet_fancy_noise(first: int) -> Effect:
    """From some step on the U-Net's output is noise of the right size; an overflow was only logged."""

    def change(call: int, value: np.ndarray[Any, Any]) -> None:
        if call >= first:
            value[...] = value.std() * generator(f"fancy {call}").standard_normal(value.shape)

    return _each(change)


@fault(
    "unet-saturated",
    component="unet",
    stage="runtime",
    rows=(15,),
    severities={"mild": 2.5, "marked": 1.5, "severe": 0.5},
)
def unet_saturated(limit: float) -> Effect:
    """The U-Net's outputs are clipped at a multiple of their deviation."""

    def change(_: int, value: np.ndarray[Any, Any]) -> None:
        np.clip(value, -limit * value.std(), limit * value.std(), out=value)

    return _each(change)


@fault(
    "unet-stale-output",
    component="unet",
    stage="runtime",
    rows=(25,),
    severities={"mild": 7, "marked": 3, "severe": 2},
)
def unet_stale_output(every: int) -> Effect:
    """Every n-th call of the U-Net returns the output of the call before: a buffer is reused too early."""

    def make() -> Change:
        last: Outputs = {}

        def change(call: int, outputs: Outputs, _: Arrays) -> Outputs:
            if call and call % every == every - 1:
                return {name: value.copy() for name, value in last.items()}
            last.update({name: value.copy() for name, value in outputs.items()})
            return outputs

        return change

    return _wrapped(make)


@fault(
    "unet-batch-leak",
    component="unet",
    stage="runtime",
    rows=(7,),
    severities={"mild": 0.1, "marked": 0.5, "severe": 1.0},
)
def unet_batch_leak(share: float) -> Effect:
    """The unconditional half of the batch leaks into the conditional one; at the severest both are the same."""

    def change(_: int, value: np.ndarray[Any, Any]) -> None:
        value[1] += share * (value[0] - value[1])

    return _each(change)


@fault(
    "unet-dead-channel",
    component="unet",
    stage="runtime",
    rows=(15,),
    severities={"mild": 0.3, "marked": 0.7, "severe": 1.0},
)
def unet_dead_channel(share: float) -> Effect:
    """One latent channel of the U-Net's output fades to zero."""

    def change(_: int, value: np.ndarray[Any, Any]) -> None:
        value[:, -1] *= 1 - share

    return _each(change)


@fault(
    "text-padding-columns",
    component="text_encoder",
    stage="runtime",
    rows=(17,),
    severities={"mild": 1, "marked": 8, "severe": 40},
)
def text_padding_columns(columns: int) -> Effect:
    """The last columns of the text embeddings hold stray memory: a width that is no multiple of 32."""

    def change(call: int, value: np.ndarray[Any, Any]) -> None:
        tail = value[..., -columns:]
        tail[...] = 2 * generator(f"columns {call}").standard_normal(tail.shape)

    return _each(change)


@fault(
    "safety-checker",
    component="vae_decoder",
    stage="runtime",
    rows=(26,),
    severities={"mild": 4, "marked": 2, "severe": 1},
)
def safety_checker(every: int) -> Effect:
    """Some pictures come back black but finite, as a safety checker leaves them (level: one in how many)."""

    def change(_: int, value: np.ndarray[Any, Any]) -> None:
        if every == 1 or int(np.abs(value[..., 0, 0]).sum() * 1e4) % every == 0:
            value[...] = -1

    return _each(change)


@fault(
    "vae-decoder-seams",
    component="vae_decoder",
    stage="runtime",
    rows=(7,),
    severities={"mild": 0.03, "marked": 0.15, "severe": 0.6},
)
def vae_decoder_seams(step: float) -> Effect:
    """Tiled decoding without overlap: neighbouring quarters differ in brightness."""

    def change(_: int, value: np.ndarray[Any, Any]) -> None:
        middle = value.shape[-1] // 2
        value[..., :middle] += step
        value[..., middle:] -= step

    return _each(change)


@fault(
    "vae-encoder-input-range",
    component="vae_encoder",
    stage="runtime",
    rows=(29,),
    severities={"mild": 0.05, "marked": 0.5, "severe": 1.0},
)
def vae_encoder_input_range(share: float) -> Effect:
    """The VAE encoder is fed pictures whose range is on the way from [-1, 1] to [0, 1]."""
    return Effect(wrap=lambda runner: ScaledInputs(runner, share))
