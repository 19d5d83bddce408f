"""What a fault does to a lane's pictures, and what harmless perturbations do to the teacher's.

Visible is what the yardstick (FLIP, `yardstick`) says of a harmed lane's pictures beside the same lane's sound ones: no
metric of the gate has a say. What leaves no picture, or exceeds a budget, is noticed too; that is said apart, as the
gate finds it by the same figures.

The teacher's own spread is the yardstick's control: the teacher draws every case again under perturbations that nobody
would call a fault, its weights in bfloat16, its weights in 8 bits, and one percent of other noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from sdqa.arrays import Pixels
from sdqa.bundle import Lane
from sdqa.bundle.sensitivity import Decided, Spread
from sdqa.faults.yardstick import VISIBLE, difference

if TYPE_CHECKING:
    from sdqa.families import Family
    from sdqa.generate.pipeline import Generation, Request
    from sdqa.models import Teacher

NOISE = 0.01
DEVIATIONS = 2.0
"""Of the spread's distribution that still belong to it; a handful of cases has no meaningful maximum."""
Distances = Callable[[str, "Generation"], tuple[float, float]]
"""Of a case's golden and a generation: LPIPS, and the yardstick's figure."""


@dataclass(frozen=True)
class Sight:
    """Whether a person would notice."""

    visible: bool
    decided: Decided
    why: str
    flip: float | None = None  # of the worst case


def teacher_spread(teacher: Teacher, requests: Mapping[str, Request], distances: Distances) -> Spread:
    """Measure the spread over cases."""
    from sdqa.generate.pipeline import Graph
    from sdqa.generate.teacher import graph_parts, teacher_runners

    family, parts = teacher.family, teacher.pipeline_parts()
    rough, coarse = (_rounded(family, parts, rounding) for rounding in (_bfloat16, _eight_bits))
    graphs = {
        "weights in bfloat16": (Graph(teacher_runners(rough, family), graph_parts(parts)), _same),
        "weights in 8 bits": (Graph(teacher_runners(coarse, family), graph_parts(parts)), _same),
        "1 % of other noise": (Graph(teacher_runners(parts, family), graph_parts(parts)), _other_noise),
    }
    found = {
        name: [distances(case, graph.generate(change(request))) for case, request in requests.items()]
        for name, (graph, change) in graphs.items()
    }
    return spread_of(found)


def spread_of(found: Mapping[str, Sequence[tuple[float, float]]]) -> Spread:
    """The spread of measured distances.

    Args:
        found: perturbation → LPIPS and the yardstick's figure of each case, at least one.
    """
    by_name = {name: [lpips for lpips, _ in pairs] for name, pairs in found.items()}
    means = {name: fmean(values) for name, values in by_name.items()}
    away = {name: DEVIATIONS * (stdev(values) if len(values) > 1 else 0.0) for name, values in by_name.items()}
    return Spread(
        conditions=means,
        flip={name: max(flip for _, flip in pairs) for name, pairs in found.items()},
        mean=max(means[name] + away[name] / sqrt(len(values)) for name, values in by_name.items()),
        case=max(max(means[name] + away[name], *values) for name, values in by_name.items()),
    )


def sight(
    lane: Lane,
    sound: Mapping[str, Pixels],
    harmed: Mapping[str, Pixels],
    budgets: Mapping[str, float | None],
) -> Sight:
    """Whether a person would notice what was planted in a lane.

    Args:
        sound: case → the lane's picture without the fault; `harmed`: with it.

    Raises:
        FaultError: the yardstick is not installed.
    """
    if lane.failures:
        return Sight(True, "execution", f"it does not run: {lane.failures[0].code}")
    if not harmed:
        return Sight(True, "execution", "it leaves no picture")
    figures = {case: difference(sound[case], picture) for case, picture in harmed.items()}
    worst = max(figures, key=lambda case: figures[case])
    said = f"FLIP {figures[worst]:.2g} in {worst}, {VISIBLE} is just noticeable"
    if figures[worst] >= VISIBLE:
        return Sight(True, "yardstick", said, figures[worst])
    for measurement in lane.measurements:
        limit = budgets.get(measurement.metric)
        if measurement.case is None and limit is not None and (measurement.value or 0.0) > limit:
            over = f"{measurement.metric} is {measurement.value:.3g}, the device allows {limit:.3g}"
            return Sight(True, "budget", over, figures[worst])
    return Sight(False, "yardstick", said, figures[worst])


def lpips_of(lane: Lane) -> list[float]:
    """LPIPS of each case to its golden."""
    return [m.value for m in lane.measurements if m.metric == "lpips" and m.value is not None]


def _same(request: Request) -> Request:
    return request


def _other_noise(request: Request) -> Request:
    import numpy as np

    from sdqa.generate.noise import Noise

    channels, height, width = request.noise.initial.shape
    other = Noise.draw(77, (channels, height, width)).initial
    mixed = np.sqrt(1 - NOISE**2) * request.noise.initial + NOISE * other
    return replace(request, noise=replace(request.noise, initial=mixed.astype(np.float32)))


def _rounded(family: Family, parts: Mapping[str, Any], rounding: Callable[[Any], Any]) -> dict[str, Any]:
    """The teacher's parts with copies of its modules whose weights are rounded."""
    import copy

    import torch

    found = dict(parts)
    for part in family.weighted_parts:
        module = copy.deepcopy(parts[part.name])
        with torch.no_grad():
            parameters: Iterable[Any] = module.parameters()
            for parameter in parameters:
                parameter.copy_(rounding(parameter))
        found[part.name] = module
    return found


def _bfloat16(parameter: Any) -> Any:
    import torch

    return parameter.to(torch.bfloat16).float()


def _eight_bits(parameter: Any) -> Any:
    """Symmetric, a scale for each output channel; vectors stay as they are."""
    if parameter.ndim < 2:
        return parameter
    scale = parameter.abs().reshape(len(parameter), -1).amax(1).clamp(min=1e-12) / 127
    scale = scale.reshape(-1, *([1] * (parameter.ndim - 1)))
    return (parameter / scale).round() * scale
