"""Budgets without a phone: memory of a pipeline, and an estimate of its latency, from what the packages ask for.

Memory follows from the packages. Latency is a roofline estimate: a run of a component takes the time of its arithmetic,
at the chip's published rate times one efficiency, or of reading its weights, at the published bandwidth, whichever is
longer. That efficiency is the only free number; it is calibrated on Apple's published end-to-end table. An estimate is
labelled as one, carries the range that the calibration leaves, and never gates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sdqa.families import idle_components, known_components
from sdqa.families.records import GUIDANCE_PAIR
from sdqa.mil import load


@dataclass(frozen=True)
class ComponentCost:
    """What one run of a component's package asks for."""

    component: str
    weight_bytes_stored: int
    """Weights on disk, compressed; what a runtime that unpacks on the fly holds."""
    weight_bytes_unpacked: int
    """Weights in their declared dtypes; what a runtime that unpacks at load holds."""
    peak_live_bytes: int
    """The most that intermediate values occupy at one time."""
    flops: int
    bytes_moved: int
    """Operands read and results written, were nothing kept on the chip."""


@dataclass(frozen=True)
class MemoryEstimate:
    """Memory of the model parts of a pipeline, without the application around them."""

    load_all_bytes: int
    """All components loaded, the hungriest one running."""
    one_at_a_time_bytes: int
    """Each component loaded, run and unloaded in turn."""
    stored_bytes: int
    """Size of all weights on disk."""
    by_component: Mapping[str, int]
    """Weights and live values of each component alone."""


@dataclass(frozen=True)
class Chip:
    """A device's published rates."""

    name: str
    tera_flops: float
    """Neural Engine, fp16, as published (10^12 operations a second)."""
    gigabytes_s: float
    """Memory bandwidth, 10^9 bytes a second."""
    published_s: float | None = None
    """Apple's end-to-end time for SD 2.1-base, 6 bits, 512², 20 steps, CPU_AND_NE, split_einsum_v2."""
    reduced_memory: bool = False
    """Published with components loaded one at a time, so that loading is part of the time: not calibrated on."""


CHIPS: dict[str, Chip] = {
    chip.name: chip
    for chip in (
        Chip("iPhone 12 mini", 11.0, 34.1, 18.5, reduced_memory=True),
        Chip("iPhone 12 Pro Max", 11.0, 34.1, 15.4),
        Chip("iPhone 13", 15.8, 34.1, 10.8, reduced_memory=True),
        Chip("iPhone 13 Pro Max", 15.8, 34.1, 10.4),
        Chip("iPhone 14", 15.8, 34.1, 8.6),
        Chip("iPhone 14 Pro Max", 17.0, 51.2, 7.9),
        Chip("iPad Pro M1", 11.0, 68.3, 11.2),
        Chip("iPad Pro M2", 15.8, 102.4, 7.0),
        Chip("iPhone 15 Pro", 35.0, 51.2),
        Chip("iPhone 16", 35.0, 60.0),
    )
}
"""Apple's press material for the rates (the A17 Pro's and A18's count 8-bit operations: halved below)."""

COUNTED_IN_8_BITS = frozenset({"iPhone 15 Pro", "iPhone 16"})

CALIBRATION_STEPS = 20
SMALLEST_SHARE = 0.01
"""Of the calibration model's arithmetic in a run of the U-Net: below it, starting operations outweighs computing."""
CALIBRATION_COSTS = (
    # Arithmetic counted with torch's FlopCounterMode on the architecture (random:sd-2-1); weights at 6 bits.
    ComponentCost("text_encoder", 255_290_880, 680_775_680, 0, 46_000_000_000, 680_775_680),
    ComponentCost("unet", 649_433_043, 1_731_821_448, 0, 1_608_514_928_640, 1_731_821_448),
    ComponentCost("vae_decoder", 98_980_398, 98_980_398, 0, 2_514_518_802_432, 98_980_398),
)


@dataclass(frozen=True)
class LatencyEstimate:
    """An estimate, never a measurement."""

    device: str
    seconds: float
    low_s: float
    high_s: float
    """Range within which the published devices lie around their own estimates."""
    step_s: float
    """One run of the U-Net."""
    published_s: float | None = None

    def __str__(self) -> str:
        published = f", published for the calibration model: {self.published_s} s" if self.published_s else ""
        return f"{self.device}: about {self.seconds:.1f} s (estimate, {self.low_s:.1f} to {self.high_s:.1f}{published})"


def measure_costs(packages: Mapping[str, Sequence[Path]]) -> tuple[ComponentCost, ...]:
    """Costs of each component from its packages; chunks of one component are added up.

    Raises:
        PackageError: one is damaged.
    """
    costs = []
    for component, paths in packages.items():
        profiles = [load(path).profile() for path in paths]
        costs.append(
            ComponentCost(
                component,
                sum(profile.weight_bytes_stored for profile in profiles),
                sum(profile.weight_bytes_unpacked for profile in profiles),
                max(profile.peak_live_bytes or 0 for profile in profiles),
                sum(profile.flops or 0 for profile in profiles),
                sum(
                    (operation.bytes_read or 0) + (operation.bytes_written or 0)
                    for profile in profiles
                    for operation in profile.operations
                ),
            )
        )
    return tuple(costs)


def estimate_memory(costs: Sequence[ComponentCost], *, unpacked: bool = False) -> MemoryEstimate:
    """Memory of load-all against load-one-at-a-time.

    Args:
        unpacked: weights are held in their declared dtypes (before iOS 17, and on CPU and GPU) instead of compressed.
    """
    weights = {cost.component: cost.weight_bytes_unpacked if unpacked else cost.weight_bytes_stored for cost in costs}
    alone = {cost.component: weights[cost.component] + cost.peak_live_bytes for cost in costs}
    return MemoryEstimate(
        load_all_bytes=sum(weights.values()) + max((cost.peak_live_bytes for cost in costs), default=0),
        one_at_a_time_bytes=max(alone.values(), default=0),
        stored_bytes=sum(cost.weight_bytes_stored for cost in costs),
        by_component=alone,
    )


def estimate_latency(
    costs: Sequence[ComponentCost], steps: int, device: str, *, image_to_image: bool = False
) -> LatencyEstimate:
    """A roofline estimate of one generation, end to end without the application.

    Args:
        costs: of every component that runs.
        steps: runs of the U-Net, guidance pairs counted once.
        device: a key of `CHIPS`.
        image_to_image: whether the VAE encoder runs too.

    Raises:
        KeyError: no such device.
    """
    chip = CHIPS[device]
    ratios = calibration_ratios()
    idle = idle_components(image_to_image=image_to_image)
    used = [cost for cost in costs if cost.component not in idle]
    seconds = _roofline(used, steps, chip, efficiency())
    step = _roofline([cost for cost in costs if cost.component == "unet"], 1, chip, efficiency())
    low, high = seconds * min(ratios.values()), seconds * max(ratios.values())
    return LatencyEstimate(device, seconds, low, high, step, chip.published_s)


def beyond_calibration(costs: Sequence[ComponentCost]) -> str:
    """Why an estimate of this pipeline would mean nothing; empty where it means something."""
    share = sum(cost.flops for cost in costs if cost.component == "unet") / next(
        cost.flops for cost in CALIBRATION_COSTS if cost.component == "unet"
    )
    if share >= SMALLEST_SHARE:
        return ""
    return (
        f"its U-Net asks for {share:.2%} of the arithmetic of the model that estimates are calibrated on: "
        "starting operations would decide, not computing"
    )


def efficiency() -> float:
    """The share of the published arithmetic rate that Apple's table shows: the geometric mean over its devices."""
    logs = [math.log(_needed_efficiency(chip)) for chip in _calibration_chips()]
    return math.exp(sum(logs) / len(logs))


def calibration_ratios() -> dict[str, float]:
    """Published time over estimated time of every device that was calibrated on: how far off the estimate is."""
    share = efficiency()
    return {
        chip.name: (chip.published_s or math.nan) / _roofline(CALIBRATION_COSTS, CALIBRATION_STEPS, chip, share)
        for chip in _calibration_chips()
    }


def _calibration_chips() -> list[Chip]:
    return [chip for chip in CHIPS.values() if chip.published_s is not None and not chip.reduced_memory]


def _needed_efficiency(chip: Chip) -> float:
    """The efficiency at which a device's estimate equals its published time, by bisection."""
    low, high = 1e-3, 1.0
    for _ in range(60):
        middle = math.sqrt(low * high)
        slow = _roofline(CALIBRATION_COSTS, CALIBRATION_STEPS, chip, middle) > (chip.published_s or math.nan)
        low, high = (middle, high) if slow else (low, middle)
    return math.sqrt(low * high)


def _roofline(costs: Sequence[ComponentCost], steps: int, chip: Chip, share: float) -> float:
    """Seconds: the longer of arithmetic and of reading the weights once a run; encoders run twice for guidance."""
    rate = chip.tera_flops * 1e12 * share / (2 if chip.name in COUNTED_IN_8_BITS else 1)
    counts = {"each step": steps, "each prompt": GUIDANCE_PAIR, "once": 1}
    runs = {name: counts[component.runs] for name, component in known_components().items()}
    return sum(
        runs.get(cost.component, 1) * max(cost.flops / rate, cost.weight_bytes_stored / (chip.gigabytes_s * 1e9))
        for cost in costs
    )
