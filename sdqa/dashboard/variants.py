"""Which recipe to ship: size, latency and quality of each variant in its last run, and which no other one beats."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sdqa.dashboard.overview import Row
from sdqa.dashboard.series import DatedRun, LaneRun

BUDGETS = ("model_memory_bytes", "inference_s", "end_to_end_s", "package_bytes", "peak_memory_bytes")
"""Figures of a whole lane that a suite may bound."""
LATENCY = ("inference_s", "end_to_end_s", "latency_ms", "first_inference_s")
"""What stands for a lane's latency: the first of them that it has."""
QUALITY = ("lpips", "clip_image_similarity", "face_identity", "ssim", "psnr", "latent_psnr", "tile_psnr")
"""What stands for a lane's quality, where it has a limit: the largest share of its way that any figure uses."""


@dataclass(frozen=True)
class Choice:
    """One lane as something to ship."""

    lane: str
    run: int  # index of the run that the figures are of
    variant: str
    device: str  # runtime and compute unit
    bytes: int
    latency: float | None
    latency_name: str
    latency_unit: str
    quality: float | None  # share of the way to its limit that the worst figure of quality uses
    quality_name: str
    status: str  # of the lane: its worst figure's
    figures: Mapping[str, float]  # what else an axis may show


def choices(
    runs: Sequence[DatedRun],
    lanes: Mapping[str, Mapping[int, LaneRun]],
    rows: Sequence[Row],
    names: Mapping[str, tuple[str, str]],
) -> list[Choice]:
    """Lanes with their last figures.

    Args:
        names: lane → its variant and device.
    """
    found = []
    for lane, of_runs in lanes.items():
        known = [index for index in of_runs if runs[index].on_main_line and of_runs[index].status != "skipped"]
        mine = [row for row in rows if row.lane == lane and row.last.value is not None]
        if not known or not mine:
            continue
        variant, device = names[lane]
        figures = {row.label: row.usual for row in mine if row.usual is not None}
        latency = next((name for name in LATENCY if name in figures), "")
        judged = [row for row in mine if row.room is not None and row.label not in (*BUDGETS, *LATENCY)]
        chosen = [row for row in judged if row.label in QUALITY] or judged
        worst = max(chosen, key=lambda row: row.room or 0.0, default=None)
        found.append(
            Choice(
                lane=lane,
                run=max(known),
                variant=variant,
                device=device,
                bytes=of_runs[max(known)].bytes,
                latency=figures.get(latency),
                latency_name=latency,
                latency_unit=next((row.unit for row in mine if row.label == latency), ""),
                quality=worst.room if worst else None,
                quality_name=worst.label if worst else "",
                status=min(mine, key=lambda row: row.severity[0]).last.status,
                figures={name: value for name, value in figures.items() if math.isfinite(value)},
            )
        )
    return found


def budgets(rows: Sequence[Row]) -> dict[str, float]:
    """The budgets of the suite, as the last runs were held to them."""
    return {row.label: row.last.bound for row in rows if row.label in BUDGETS and row.last.bound is not None}


def best(found: Sequence[Choice]) -> set[str]:
    """Lanes that no other lane of the same device beats: none is as good in all of size, latency and quality and
    better in one. What is not known of a lane counts as the worst; a lane that fails is nothing to ship."""

    def key(one: Choice) -> tuple[float, float, float]:
        return (
            float(one.bytes),
            math.inf if one.latency is None else one.latency,
            math.inf if one.quality is None else one.quality,
        )

    front = set()
    sound = [one for one in found if one.status != "fail"]
    for one in sound:
        others = [key(other) for other in sound if other is not one and other.device == one.device]
        mine = key(one)
        if not any(all(a <= b for a, b in zip(other, mine, strict=True)) and other != mine for other in others):
            front.add(one.lane)
    return front
