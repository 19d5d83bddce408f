"""Calibration: place every tolerance between measured harmless noise and the nearest measured fault.

For each metric (and component), from lanes that are known to be harmless and lanes with a planted fault:

1. *Harmless bound.* The one-sided normal tolerance bound mean + k sd of a single case, and of the mean over the suite's
   cases (sd / sqrt(n)), with the mean of the noisiest condition and the largest deviation of any; never less than a
   little more than the worst that was seen: every clean lane that was measured passes, its whole interval included.
   (In decibels only conditions near the noisiest count: near-identical pictures scatter by tens of decibels.) k covers
   all but a share of the population with the stated confidence, for as many figures as there are in all; the shares add
   up to `false_alarms` over all checks of a clean run (Bonferroni), half of it for the means, half for single cases.
   No bound is tighter than the metric's floor.
2. *Nearest visible fault.* Of the faults whose mean lies beyond the bound of the mean, the least bad. The others are
   listed: the metric is blind to them, and some other metric has to see them.
3. *Limit* on the mean: between the two, halfway, on a logarithmic scale where both are positive and the unit is not
   decibel. A metric to which no measured fault is visible gets its bound, widened by half.
4. *Limits* of a single case: halfway between its bound and the typical (median) case of the nearest visible fault; what
   is as bad as that fault, and half as far again from the mean as the bound, is severe. Where clean cases scatter so
   much that the bound lies beyond the fault, the worst case seen takes its place: a case between that limit and severe
   is suspicious, and fails when the mean does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sdqa.bundle import Lane, Measurement, is_timing
from sdqa.errors import UsageError
from sdqa.gate import statistics
from sdqa.gate.audit import now
from sdqa.gate.evidence import HARD
from sdqa.gate.latency import BYTES
from sdqa.gate.tolerances import Fault, Harmless, Tolerance, Tolerances

FALSE_ALARMS = 0.001
CONFIDENCE = 0.95
VALUE_UNITS = frozenset({"dB"})
"""Units whose figures already compare candidate with golden, and are gated as they are."""
FLOORS = {
    "black": 0.005,
    "clip_directional": -0.002,
    "clip_image_similarity": -0.0001,
    "clip_score": -0.001,
    "constant": -0.25,
    "grey_wash": -0.5,
    "latent_cosine": -0.00001,
    "latent_psnr": 70.0,
    "lpips": 0.00005,
    "lpips_source": 0.001,
    "noise": 0.25,
    "parity_psnr": 80.0,
    "psnr": 60.0,
    "saturation": 0.005,
    "ssim": -0.0005,
    "tile_psnr": 50.0,
    "tiling": 0.01,
}
"""Per metric, what is too small to matter, however quiet the measured noise was: no bound is tighter. A black pixel
more or less is no black image."""
SMALLEST_SD = 1e-9
WIDENING = 1.5
"""Factor on the distance from mean to bound, where no measured fault is visible."""
HEADROOM = 1.15
"""Factor on the distance from mean to the worst of the clean lanes: it may come again, a little worse."""


@dataclass(frozen=True)
class Observed:
    """A condition or a fault, with what it measured."""

    name: str
    lanes: tuple[Lane, ...]


Key = tuple[str, str | None]


def calibrate(
    model: str,
    harmless: Mapping[str, Mapping[str, Sequence[Lane]]],
    faults: Mapping[str, Sequence[Lane]],
    *,
    checks: int,
    false_alarms: float = FALSE_ALARMS,
    confidence: float = CONFIDENCE,
    environment: Mapping[str, Any] | None = None,
    date: str | None = None,
) -> Tolerances:
    """Tolerances from measured lanes.

    Args:
        harmless: variant (or `*`) → condition → its lanes. A variant's own clean lanes are its harmless noise.
        faults: fault → its lanes, of any variant.
        checks: how many checks a whole run makes (all lanes).
        false_alarms: accepted probability of any false alarm in a clean run.
        confidence: that the bounds cover what they say.
        environment: fingerprint of where it was measured.

    Raises:
        UsageError: a harmless lane is not whole, or a variant has fewer than two harmless figures of some metric.
    """
    if checks < 1 or not 0 < false_alarms < 1 or not 0 < confidence < 1:
        raise UsageError("calibration needs at least one check, and probabilities between 0 and 1")
    day = date or now()
    seen = [Observed(name, tuple(lanes)) for name, lanes in sorted(faults.items())]
    variants: dict[str, dict[str, Tolerance]] = {}
    for variant, conditions in sorted(harmless.items()):
        clean = [Observed(name, tuple(lanes)) for name, lanes in sorted(conditions.items())]
        _demand_whole(variant, clean)
        table = {}
        for metric, component in _keys(clean):
            key = metric if component is None else f"{metric}@{component}"
            table[key] = _place((metric, component), clean, seen, checks, false_alarms, confidence, day)
        variants[variant] = table
    return Tolerances(
        model=model,
        checks=checks,
        false_alarms=false_alarms,
        confidence=confidence,
        environment=dict(environment or {}),
        variants=variants,
    )


def _demand_whole(variant: str, clean: Sequence[Observed]) -> None:
    """Nothing is calibrated on a lane that did not run to its end."""
    for observed in clean:
        for lane in observed.lanes:
            if lane.status != "ran" or lane.failures or not lane.measurements:
                why = lane.failures[0].message if lane.failures else lane.reason or "it measured nothing"
                raise UsageError(
                    f"a harmless lane of {variant} is not whole: {why}", where=f"{lane.id}, {observed.name}"
                )


def _place(
    key: Key,
    clean: Sequence[Observed],
    faults: Sequence[Observed],
    checks: int,
    false_alarms: float,
    confidence: float,
    day: str,
) -> Tolerance:
    found = {observed.name: _figures(key, observed) for observed in clean}
    found = {name: figures for name, figures in found.items() if figures}
    everything = [m for observed in clean for m in _measurements(key, observed)]
    first, better = everything[0], everything[0].better
    pooled = [x for figures in found.values() for x in figures]
    if len(pooled) < 2:
        raise UsageError(f"{key[0]} needs at least two harmless figures", hint="measure more cases or conditions")
    counts = {observed.name: len(observed.lanes) for observed in clean}
    noisiest = max(found, key=lambda name: (_mean(found[name]), name))
    cases = max(1, round(len(found[noisiest]) / counts[noisiest]))
    means_of_all = checks / (cases + 1)
    shares = (false_alarms / 2 / max(1.0, means_of_all), false_alarms / 2 / max(1.0, checks - means_of_all))
    near = [f for f in found.values() if first.unit not in VALUE_UNITS or _is_near(f, found[noisiest], pooled)]
    pooled = [x for figures in near for x in figures]
    floor = statistics.loss(FLOORS[key[0]], better) if key[0] in FLOORS else -math.inf
    mean_bound, case_bound = _bounds(_mean(found[noisiest]), near, cases, shares, confidence)
    worst = max(pooled)
    ends = [statistics.interval(losses)[1] for o in clean for lane in o.lanes if (losses := _losses(key, [lane]))]
    mean_bound = max(floor, mean_bound, *(_widened(end, pooled, HEADROOM) for end in ends))
    case_bound = max(floor, worst, case_bound)
    levels = {f.name: figures for f in faults if (figures := _figures(key, f))}
    means = {name: _mean(figures) for name, figures in levels.items()}
    visible = {name: mean for name, mean in means.items() if mean > mean_bound}
    nearest = min(visible, key=lambda name: (visible[name], name)) if visible else None
    typical = {name: sorted(figures)[len(figures) // 2] for name, figures in levels.items()}
    fault = None
    if nearest is None:
        limit = _widened(mean_bound, pooled)
    else:
        limit = _between(mean_bound, visible[nearest], first.unit)
        fault = Fault(name=nearest, mean=_turn(visible[nearest], better), typical=_turn(typical[nearest], better))
    beyond = [typical[name] for name in visible if typical[name] > max(worst, floor)]
    if not beyond:
        case_limit, severe = _widened(worst, pooled), case_bound
    elif case_bound < min(beyond):
        case_limit, severe = _between(case_bound, min(beyond), first.unit), min(beyond)
    else:
        case_limit, severe = _between(max(worst, floor), min(beyond), first.unit), case_bound
    case_limit = max(limit, case_limit, _widened(worst, pooled, HEADROOM))
    severe = max(case_limit, severe, _widened(case_bound, pooled))
    return Tolerance(
        metric=key[0],
        component=key[1],
        better=better,
        unit=first.unit,
        of=_of(first),
        limit=_turn(limit, better),
        case_limit=_turn(case_limit, better),
        severe=_turn(severe, better),
        harmless=Harmless(
            n=len(pooled),
            mean=_turn(_mean(pooled), better),
            sd=_sd(pooled),
            worst=_turn(worst, better),
            bound=_turn(mean_bound, better),
            case_bound=_turn(case_bound, better),
            conditions=tuple(found),
        ),
        nearest_fault=fault,
        blind_to=tuple(sorted(set(means) - set(visible))),
        margin=(limit - mean_bound, (visible[nearest] - limit) if nearest is not None else 0.0),
        date=day,
        fingerprints=tuple(sorted({m.fingerprint for m in everything})),
    )


def _keys(clean: Sequence[Observed]) -> list[Key]:
    keys = set()
    for observed in clean:
        for lane in observed.lanes:
            for m in lane.measurements:
                placed = m.case is not None or m.component is not None
                gated = m.metric not in HARD and not is_timing(m.metric) and m.better in ("higher", "lower")
                if placed and gated and m.unit not in BYTES and m.value is not None:
                    keys.add((m.metric, m.component))
    return sorted(keys, key=lambda key: (key[0], key[1] or ""))


def _measurements(key: Key, observed: Observed) -> list[Measurement]:
    return [m for lane in observed.lanes for m in lane.measurements if (m.metric, m.component) == key]


def _figures(key: Key, observed: Observed) -> list[float]:
    return _losses(key, observed.lanes)


def _losses(key: Key, lanes: Sequence[Lane]) -> list[float]:
    """Larger is worse; figures that are missing or not finite are left out (`finite` sees those)."""
    losses = []
    for m in (m for lane in lanes for m in lane.measurements if (m.metric, m.component) == key):
        value, golden = m.value, m.golden
        if value is None or not math.isfinite(value):
            continue
        if _of(m) == "value":
            losses.append(statistics.loss(value, m.better))
        elif golden is not None:
            losses.append(statistics.loss(value - golden, m.better))
    return losses


def _of(measurement: Measurement) -> Any:
    return "value" if measurement.unit in VALUE_UNITS or measurement.golden is None else "difference"


def _bounds(
    mean: float, conditions: Sequence[Sequence[float]], cases: int, shares: tuple[float, float], confidence: float
) -> tuple[float, float]:
    """What the mean over a suite's cases, and a single one of them, may reach without harm."""
    pooled = [x for figures in conditions for x in figures]
    sd = max(SMALLEST_SD, *(_sd(figures) for figures in conditions if len(figures) >= 3), 0.0)
    sd = sd if sd > SMALLEST_SD else max(SMALLEST_SD, _sd(pooled))
    k_mean, k_case = (statistics.tolerance_factor(max(2, len(pooled)), 1 - share, confidence) for share in shares)
    return mean + k_mean * sd / math.sqrt(cases), mean + k_case * sd


def _is_near(figures: Sequence[float], noisiest: Sequence[float], pooled: Sequence[float]) -> bool:
    """Whether two conditions are of one size: their means less than three deviations apart."""
    sd = _sd(noisiest) if len(noisiest) >= 3 else _sd(pooled)
    return _mean(noisiest) - _mean(figures) <= 3 * max(SMALLEST_SD, sd)


def _between(bound: float, fault: float, unit: str) -> float:
    """Halfway between bound and fault: geometric where both are positive and the unit is not logarithmic already."""
    if fault <= bound:
        return bound
    if unit not in VALUE_UNITS and bound > 0:
        return math.sqrt(bound * fault)
    return (bound + fault) / 2


def _widened(bound: float, pooled: Sequence[float], factor: float = WIDENING) -> float:
    """A bound moved away from the mean."""
    center = _mean(pooled)
    return center + factor * max(SMALLEST_SD, bound - center)


def _turn(loss: float, better: str) -> float:
    """A loss as a figure again."""
    return -loss if better == "higher" else loss


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _sd(values: Sequence[float]) -> float:
    mean = _mean(values)
    return math.sqrt(math.fsum((x - mean) ** 2 for x in values) / max(1, len(values) - 1))
