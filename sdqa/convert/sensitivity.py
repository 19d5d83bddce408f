"""Mixed-bit palettization: how much each weight tensor hurts at each width, and the widths that hurt least in total.

Sensitivity is measured with teacher-forced inputs (`sdqa.convert.calibration_data`): one tensor at a time is
replaced by its palettized form, and the error of the U-Net's output is averaged over prompts and timesteps. Errors of
different tensors are taken to add up, which Lagrangian allocation needs and which a last measurement with all of them
checks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sdqa.convert.clusters import table_maker
from sdqa.errors import ConversionError

WIDTHS = (1, 2, 4, 6, 8)
MEASURED = (2, 4)
"""Widths at which a tensor's effect on the output is measured; others follow from the error of the weights."""
LEAST_ELEMENTS = 2048
"""As in `sdqa.convert.compression`: smaller tensors stay in half precision."""


@dataclass(frozen=True)
class Allocation:
    """Bits for each weight tensor, and what they cost and buy."""

    bits: Mapping[str, int]
    """By dotted parameter name."""
    average_bits: float
    """Over the palettized weights."""
    predicted_db: float
    """Signal-to-noise ratio of the U-Net's output, if errors add up."""
    measured_db: float
    """The same, measured with all tensors palettized at once."""


@dataclass(frozen=True)
class TensorSensitivity:
    """What palettizing one tensor does."""

    elements: int
    noise: Mapping[int, float]
    """Width to the squared error of the output that it adds."""


def measure_sensitivity(
    unet: nn.Module, inputs: Sequence[tuple[Tensor, ...]]
) -> tuple[dict[str, TensorSensitivity], float]:
    """Each large weight tensor's sensitivity, and the signal energy that errors are compared with.

    Args:
        unet: the wrapped U-Net, fp32.
        inputs: teacher-forced inputs.
    """
    wanted = _run(unet, inputs)
    signal = float(sum(output.square().mean() for output in wanted) / len(wanted))
    found = {}
    for name, parameter in _palettizable(unet):
        original = parameter.detach().clone()
        weight_error = {width: _weight_error(original, palettized(original, width)) for width in WIDTHS}
        measured = {}
        for width in MEASURED:
            with _replaced(parameter, palettized(original, width)):
                measured[width] = max(_noise(wanted, _run(unet, inputs)), 1e-20)
        found[name] = TensorSensitivity(original.numel(), _extend(measured, weight_error))
    if not found:
        raise ConversionError("no weight tensor is large enough to be palettized")
    return found, signal


def allocate(teacher_inputs: Sequence[tuple[Tensor, ...]], unet: nn.Module, target: str) -> Allocation:
    """Widths that reach a target: `3.5bit` on average, or `60dB` at the U-Net's output.

    Raises:
        ConversionError: the target cannot be reached with the widths there are.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(bit|dB)", target)
    if match is None:
        raise ConversionError(f"{target!r} is no target", hint="3.5bit or 60dB")
    goal, unit = float(match[1]), match[2]
    sensitivities, signal = measure_sensitivity(unet, teacher_inputs)
    if unit == "bit":
        return _finish(spend(sensitivities, goal), sensitivities, signal, unet, teacher_inputs)
    asked = goal
    for _ in range(4):
        bits = reach(sensitivities, signal, asked)
        allocation = _finish(bits, sensitivities, signal, unet, teacher_inputs)
        if allocation.measured_db >= goal or all(width == max(WIDTHS) for width in bits.values()):
            break
        asked += goal - allocation.measured_db + 0.2
    if allocation.measured_db < goal:
        raise ConversionError(
            f"{max(WIDTHS)} bits everywhere give {allocation.measured_db:.1f} dB, {goal:.1f} dB were asked for"
        )
    return allocation


def spend(sensitivities: Mapping[str, TensorSensitivity], average: float) -> dict[str, int]:
    """The widths that add the least noise within an average; the largest multiplier that fits, then single steps.

    Raises:
        ConversionError: the average is below the smallest width.
    """
    if average < min(WIDTHS):
        raise ConversionError(f"an average of {average} bits is below the smallest width, {min(WIDTHS)}")
    elements = sum(each.elements for each in sensitivities.values())
    budget = average * elements

    def cost(bits: Mapping[str, int]) -> int:
        return sum(bits[name] * each.elements for name, each in sensitivities.items())

    low, high = -80.0, 80.0  # logarithm of the price of a bit: at `low` bits are free, at `high` nobody buys any
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (low, middle) if cost(_priced(sensitivities, math.exp(middle))) <= budget else (middle, high)
    bits = _priced(sensitivities, math.exp(high))
    left = budget - cost(bits)
    while True:
        steps = [
            ((each.noise[bits[name]] - each.noise[width]) / ((width - bits[name]) * each.elements), name, width)
            for name, each in sensitivities.items()
            for width in WIDTHS
            if width > bits[name] and (width - bits[name]) * each.elements <= left
        ]
        if not steps or max(steps)[0] <= 0:
            return bits
        _, name, width = max(steps)
        left -= (width - bits[name]) * sensitivities[name].elements
        bits[name] = width


def reach(sensitivities: Mapping[str, TensorSensitivity], signal: float, decibel: float) -> dict[str, int]:
    """The cheapest widths whose predicted noise stays under a signal-to-noise ratio."""
    low, high = -80.0, 80.0
    for _ in range(100):
        middle = (low + high) / 2
        good = predict_db(_priced(sensitivities, math.exp(middle)), sensitivities, signal) >= decibel
        low, high = (middle, high) if good else (low, middle)
    return _priced(sensitivities, math.exp(low))


def predict_db(bits: Mapping[str, int], sensitivities: Mapping[str, TensorSensitivity], signal: float) -> float:
    """Signal-to-noise ratio if the errors of tensors add up."""
    return 10 * math.log10(signal / sum(each.noise[bits[name]] for name, each in sensitivities.items()))


def _priced(sensitivities: Mapping[str, TensorSensitivity], price: float) -> dict[str, int]:
    """For each tensor the width with the least noise plus price of its bits."""
    return {
        name: min(WIDTHS, key=lambda width, each=each: (each.noise[width] + price * width * each.elements, width))  # type: ignore[misc]
        for name, each in sensitivities.items()
    }


def _finish(
    bits: Mapping[str, int],
    sensitivities: Mapping[str, TensorSensitivity],
    signal: float,
    unet: nn.Module,
    inputs: Sequence[tuple[Tensor, ...]],
) -> Allocation:
    parameters = dict(_palettizable(unet))
    wanted = _run(unet, inputs)
    originals = {name: parameters[name].detach().clone() for name in bits}
    try:
        for name, width in bits.items():
            parameters[name].data.copy_(palettized(originals[name], width))
        noise = _noise(wanted, _run(unet, inputs))
    finally:
        for name, original in originals.items():
            parameters[name].data.copy_(original)
    elements = sum(each.elements for each in sensitivities.values())
    return Allocation(
        dict(bits),
        sum(bits[name] * each.elements for name, each in sensitivities.items()) / elements,
        predict_db(bits, sensitivities, signal),
        10 * math.log10(signal / max(noise, 1e-30)),
    )


def palettized(weight: Tensor, bits: int) -> Tensor:
    """A weight as it is after palettization, in fp32."""
    table, indices = table_maker(bits)(weight.detach().to(torch.float16).numpy())
    return torch.from_numpy(np.asarray(table)[indices].astype(np.float32)).reshape(weight.shape)


def _palettizable(unet: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    for name, parameter in unet.named_parameters():
        if parameter.ndim > 1 and parameter.numel() >= LEAST_ELEMENTS:
            yield name, parameter


def _weight_error(original: Tensor, replaced: Tensor) -> float:
    return max(float((original - replaced).square().sum()), 1e-20)


def _extend(measured: Mapping[int, float], weight_error: Mapping[int, float]) -> dict[int, float]:
    """Noise at every width: at others than the measured ones it follows the weights' error from the nearest one."""
    noise: dict[int, float] = {}
    for width in WIDTHS:
        nearest = min(measured, key=lambda known: (abs(known - width), known))
        noise[width] = measured[nearest] * weight_error[width] / weight_error[nearest]
    return noise


@torch.no_grad()
def _run(unet: nn.Module, inputs: Sequence[tuple[Tensor, ...]]) -> list[Tensor]:
    return [unet(*each) for each in inputs]


def _noise(wanted: Sequence[Tensor], got: Sequence[Tensor]) -> float:
    return float(sum((a - b).square().mean() for a, b in zip(wanted, got, strict=True)) / len(wanted))


@contextmanager
def _replaced(parameter: nn.Parameter, value: Any) -> Iterator[None]:
    original = parameter.detach().clone()
    parameter.data.copy_(value)
    try:
        yield
    finally:
        parameter.data.copy_(original)
