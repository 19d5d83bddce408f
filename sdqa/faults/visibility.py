"""Would a person see it? The teacher's own spread decides, not what the gate happens to catch.

The teacher draws every case again under perturbations that nobody would call a fault: its weights in bfloat16, its
weights in 8 bits, and one percent of other noise. How far those pictures are from its own, in LPIPS, is the spread: two
standard deviations above the mean of the perturbation that changes most. A candidate whose pictures are farther from
the golden than that is visibly different.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import sqrt
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from sdqa.bundle import Lane
from sdqa.bundle.sensitivity import Spread

if TYPE_CHECKING:
    from sdqa.families import Family
    from sdqa.generate.pipeline import Generation, Request
    from sdqa.models import Teacher

NOISE = 0.01
DEVIATIONS = 2.0
"""Of the spread's distribution that still belong to it; a handful of cases has no meaningful maximum."""
Distance = Callable[[str, "Generation"], float]


def teacher_spread(teacher: Teacher, requests: Mapping[str, Request], distance: Distance) -> Spread:
    """Measure the spread over cases.

    Args:
        distance: of a case's golden and a generation, in LPIPS.
    """
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
        name: [distance(case, graph.generate(change(request))) for case, request in requests.items()]
        for name, (graph, change) in graphs.items()
    }
    return spread_of(found)


def spread_of(found: Mapping[str, Sequence[float]]) -> Spread:
    """The spread of measured distances.

    Args:
        found: perturbation → LPIPS of each case, at least one.
    """
    means = {name: fmean(values) for name, values in found.items()}
    away = {name: DEVIATIONS * (stdev(values) if len(values) > 1 else 0.0) for name, values in found.items()}
    return Spread(
        conditions=means,
        mean=max(means[name] + away[name] / sqrt(len(values)) for name, values in found.items()),
        case=max(max(means[name] + away[name], *values) for name, values in found.items()),
    )


def visible(lane: Lane, spread: Spread, budgets: Mapping[str, float | None]) -> tuple[bool, str, list[float]]:
    """Whether a person would notice, why, and the LPIPS of each case."""
    distances = [m.value for m in lane.measurements if m.metric == "lpips" and m.value is not None]
    broken = [m for m in lane.measurements if m.metric == "finite" and m.value is not None and m.value < 1]
    if lane.failures:
        return True, f"it does not run: {lane.failures[0].code}", distances
    if broken:
        return True, f"not finite in {len(broken)} cases", distances
    for measurement in lane.measurements:
        limit = budgets.get(measurement.metric)
        if measurement.case is None and limit is not None and (measurement.value or 0.0) > limit:
            return True, f"{measurement.metric} is {measurement.value:.3g}, the device allows {limit:.3g}", distances
    if not distances:
        return False, "no LPIPS was measured", distances
    mean, worst = sum(distances) / len(distances), max(distances)
    if mean > spread.mean:
        return True, f"mean LPIPS {mean:.2g}, the teacher's own spread is {spread.mean:.2g}", distances
    if worst > spread.case:
        return True, f"LPIPS {worst:.2g} in a case, the teacher's own spread is {spread.case:.2g}", distances
    return False, f"LPIPS {mean:.2g}, within the teacher's own spread of {spread.mean:.2g}", distances


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
