"""Faults of execution: buffers that are read too early, half filled, or in another layout. Packages are sound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sdqa.faults.injection import Effect
from sdqa.faults.runners import Change, FaultyRunner, Outputs
from sdqa.runtime import Arrays, Runner
from tests.faults.held_out.registry import mutation

Values = np.ndarray[Any, np.dtype[Any]]


class FedOtherwise:
    """A runner that is given other inputs than its caller wrote."""

    def __init__(self, runner: Runner, change: Callable[[Arrays], dict[str, Values]]) -> None:
        self.runner, self.change = runner, change

    @property
    def component(self) -> str:
        """The component that is executed."""
        return self.runner.component

    def run(self, inputs: Arrays) -> Outputs:
        """One forward pass; see `Runner.run`."""
        return self.runner.run(self.change(inputs))


def _outputs(make: Callable[[], Change]) -> Effect:
    """`make` gives each runner a change of its own."""
    return Effect(wrap=lambda runner: FaultyRunner(runner, make()))


def _each(change: Callable[[int, Values], Values]) -> Effect:
    """Every output of a call becomes another of its shape."""

    def apply(call: int, outputs: Outputs, _: Arrays) -> Outputs:
        return {name: change(call, value) for name, value in outputs.items()}

    return _outputs(lambda: apply)


# Text encoder.


@mutation("held-text-second-call-stale", component="text_encoder", stage="runtime")
def text_second_call_stale() -> Effect:
    """Every second call of the text encoder returns what the first did: both prompts share one buffer."""

    def make() -> Change:
        kept: Outputs = {}

        def change(call: int, outputs: Outputs, _: Arrays) -> Outputs:
            if call % 2:
                return {name: value.copy() for name, value in kept.items()}
            kept.update({name: value.copy() for name, value in outputs.items()})
            return outputs

        return change

    return _outputs(make)


@mutation("held-text-rows-not-filled", component="text_encoder", stage="runtime")
def text_rows_not_filled() -> Effect:
    """The embeddings of the last third of the tokens are zero: the buffer was copied for a shorter sequence."""

    def change(_: int, value: Values) -> Values:
        if value.ndim == 3:
            value[:, value.shape[1] * 2 // 3 :] = 0
        return value

    return _each(change)


# VAE encoder.


@mutation("held-encoder-channels-last", component="vae_encoder", stage="runtime")
def encoder_channels_last() -> Effect:
    """The VAE encoder's output lies channels last in memory and is read channels first."""
    return _each(lambda _, value: np.ascontiguousarray(value.transpose(0, 2, 3, 1)).reshape(value.shape))


@mutation("held-encoder-row-late", component="vae_encoder", stage="runtime")
def encoder_row_late() -> Effect:
    """The VAE encoder's rows are written one too low, the last one on top."""
    return _each(lambda _, value: np.roll(value, 1, axis=-2))


# U-Net.


@mutation("held-unet-half-missing-once", component="unet", stage="runtime", subtle=True)
def unet_half_missing_once() -> Effect:
    """At the sixth step the first half of the batch is zero: its buffer was not filled yet."""

    def change(call: int, value: Values) -> Values:
        if call == 5:
            value[0] = 0
        return value

    return _each(change)


@mutation("held-unet-halves-exchanged-once", component="unet", stage="runtime")
def unet_halves_exchanged_once() -> Effect:
    """At the fourth step the two halves of the batch come back in the other order."""
    return _each(lambda call, value: value[::-1].copy() if call == 3 else value)


@mutation("held-unet-timestep-stale", component="unet", stage="runtime")
def unet_timestep_stale() -> Effect:
    """The timestep's buffer is written after the call: the U-Net is told the step before's, but for the first."""

    def wrap(runner: Runner) -> Runner:
        last: list[Values] = []

        def change(inputs: Arrays) -> dict[str, Values]:
            now = np.array(inputs["timestep"])
            if last and float(now.max()) > float(last[0].max()):
                last.clear()  # a new generation
            told = last[0] if last else now
            last[:] = [now]
            return {**inputs, "timestep": told}

        return FedOtherwise(runner, change)

    return Effect(wrap=wrap)


# VAE decoder.


@mutation("held-decoder-lines-doubled", component="vae_decoder", stage="runtime")
def decoder_lines_doubled() -> Effect:
    """In the lower half every second line repeats the one above it, as one field of a video would."""

    def change(_: int, value: Values) -> Values:
        middle = value.shape[-2] // 2
        value[..., middle + 1 :: 2, :] = value[..., middle:-1:2, :]
        return value

    return _each(change)


@mutation("held-decoder-clamped", component="vae_decoder", stage="runtime", subtle=True)
def decoder_clamped() -> Effect:
    """The decoded picture is clamped to four fifths of its range: the ends of it are missing."""
    return _each(lambda _, value: np.clip(value, -0.8, 0.8))


@mutation("held-decoder-latents-rolled", component="vae_decoder", stage="runtime")
def decoder_latents_rolled() -> Effect:
    """The VAE decoder reads its latents a column too far on: the picture comes in at the other side."""

    def change(inputs: Arrays) -> dict[str, Values]:
        return {name: np.roll(value, 1, axis=-1) for name, value in inputs.items()}

    return Effect(wrap=lambda runner: FedOtherwise(runner, change))
