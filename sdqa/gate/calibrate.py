"""Calibration: every tolerance between measured harmless noise and the nearest measured fault.

Lanes that are known to be harmless and lanes with a planted fault come in, tolerances with their sources go out. How a
limit is placed is in `placement`.
"""

from __future__ import annotations

import math
import statistics as plain
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from sdqa.bundle import Environment, Lane, Measurement, is_timing
from sdqa.errors import UsageError
from sdqa.gate import statistics
from sdqa.gate.audit import now
from sdqa.gate.baseline import METRICS as BASELINE_METRICS
from sdqa.gate.evidence import HARD
from sdqa.gate.latency import BYTES
from sdqa.gate.limits import PlacedLimit, Risk, place, place_tail
from sdqa.gate.reach import Worst, within_reach
from sdqa.gate.tail import Tail
from sdqa.gate.tolerances import HarmlessNoise, NearestFault, Tolerance, Tolerances

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

Key = tuple[str, str | None]
"""Metric and component."""
Conditions = Mapping[str, Sequence[Lane]]


def calibrate(
    model: str,
    harmless: Mapping[str, Conditions],
    faults: Conditions,
    *,
    checks: int,
    false_alarms: float = FALSE_ALARMS,
    confidence: float = CONFIDENCE,
    environment: Environment | None = None,
    date: str | None = None,
) -> Tolerances:
    """Tolerances from measured lanes.

    Args:
        harmless: variant (see `Tolerances.find`) → condition → its lanes. A variant's own clean lanes are its noise.
        faults: fault → its lanes, of any variant.
        checks: how many checks a whole run makes (all lanes).
        false_alarms: accepted probability of any false alarm in a clean run.
        confidence: that the bounds cover what they say.
        environment: where it was measured.

    Raises:
        UsageError: a harmless lane is not whole, the lanes are of several teachers, or a variant has fewer than two
            harmless figures of some metric.
    """
    if checks < 1 or not 0 < false_alarms < 1 or not 0 < confidence < 1:
        raise UsageError("calibration needs at least one check, and probabilities between 0 and 1")
    risk, day = Risk(checks, false_alarms, confidence), date or now()
    variants: dict[str, dict[str, Tolerance]] = {}
    for variant, conditions in sorted(harmless.items()):
        _demand_whole(variant, conditions)
        variants[variant] = {
            metric if component is None else f"{metric}@{component}": _tolerance(
                (metric, component), conditions, faults, risk, day
            )
            for metric, component in _keys(conditions)
        }
    return Tolerances(
        model=model,
        checks=checks,
        false_alarms=false_alarms,
        confidence=confidence,
        environment=environment or Environment(),
        teacher=_teacher(lane for conditions in harmless.values() for lanes in conditions.values() for lane in lanes),
        variants=variants,
    )


def with_tails(
    tolerances: Tolerances,
    tails: Mapping[str, Sequence[Lane]],
    worst: Mapping[str, Worst] | None = None,
    date: str | None = None,
) -> Tolerances:
    """The same limits, with tails for the variants that were drawn for them; those of the others stay.

    Args:
        tails: variant → its clean lanes with the text-to-image cases alone, from many draws of noise; see `tail`.
        worst: by metric, what no limit may lie beyond: the tails are held against limits as they are judged by.

    Raises:
        UsageError: a lane did not run to its end, is of another teacher, or its variant has no limits to hold it
            against.
    """
    variants, day = dict(tolerances.variants), date or now()
    for variant, lanes in sorted(tails.items()):
        _demand_whole(variant, {"text-to-image alone": lanes})
        if variant not in variants:
            raise UsageError(f"{variant} has no limits yet", hint="measure them first: sdqa calibrate")
        if tolerances.teacher_of(variant) not in ("", _teacher(lanes)):
            raise UsageError(f"the limits of {variant} are of another teacher", hint="sdqa calibrate --reason '…'")
        judged = within_reach(tolerances, worst or {}).variants[variant]
        found = {key: _tail(one, lanes, day) for key, one in judged.items()}
        variants[variant] = {key: one.model_copy(update={"tail": found[key]}) for key, one in variants[variant].items()}
    return tolerances.model_copy(update={"variants": variants})


def _tail(tolerance: Tolerance, lanes: Sequence[Lane], day: str) -> Tail | None:
    """One metric's tail; None where what all cases share holds for the kind."""
    if tolerance.component is not None or tolerance.stated:
        return None
    better = tolerance.better
    drawn = [_losses((tolerance.metric, None), lane) for lane in lanes]
    losses = [one for lane in drawn for one in lane]
    severe = statistics.loss(tolerance.severe, better)
    placed = place_tail(
        losses,
        mean=statistics.loss(tolerance.harmless.mean, better),
        limit=statistics.loss(tolerance.limit, better),
        severe=severe,
        cases=round(tolerance.harmless.n / max(1, len(tolerance.harmless.conditions))),
        alone=max(map(len, drawn), default=0),
    )
    if placed is None:
        return None
    worst, end = (_figure(one, better) for one in placed)
    beyond = sum(one > severe for one in losses)
    return Tail(n=len(losses), beyond=beyond, worst=worst, severe=end, date=day)


def _teacher(lanes: Iterable[Lane]) -> str:
    """Digest of the one teacher that all lanes were measured with; empty where none says."""
    known = sorted({lane.fingerprint.teacher for lane in lanes} - {""})
    if len(known) > 1:
        what = f"the harmless lanes are of {len(known)} teachers: {', '.join(one[:12] for one in known)}"
        raise UsageError(what, hint="calibrate with one: sdqa calibrate --reason '…'")
    return known[0] if known else ""


def _tolerance(key: Key, conditions: Conditions, faults: Conditions, risk: Risk, day: str) -> Tolerance:
    """One metric's limits, with what they were placed between."""
    measured = [m for lanes in conditions.values() for lane in lanes for m in _measurements(key, lane)]
    clean = {name: [_losses(key, lane) for lane in lanes] for name, lanes in sorted(conditions.items())}
    clean = {name: lanes for name, lanes in clean.items() if any(lanes)}
    if sum(len(lane) for lanes in clean.values() for lane in lanes) < 2:
        raise UsageError(f"{key[0]} needs at least two harmless figures", hint="measure more cases or conditions")
    seen = {name: [x for lane in lanes for x in _losses(key, lane)] for name, lanes in sorted(faults.items())}
    seen = {name: losses for name, losses in seen.items() if losses}
    first, better = measured[0], measured[0].better
    floor = statistics.loss(FLOORS[key[0]], better) if key[0] in FLOORS else -math.inf
    found = place(clean, seen, risk, decibel=first.unit in VALUE_UNITS, floor=floor)
    margin = (found.limit - found.mean_bound, 0.0)
    fault = None
    if found.nearest is not None:
        level = plain.fmean(seen[found.nearest])
        margin = (margin[0], level - found.limit)
        typical = plain.median_high(seen[found.nearest])
        fault = NearestFault(name=found.nearest, mean=_figure(level, better), typical=_figure(typical, better))
    return Tolerance(
        metric=key[0],
        component=key[1],
        better=better,
        unit=first.unit,
        of=_of(first),
        limit=_figure(found.limit, better),
        case_limit=_figure(found.case_limit, better),
        severe=_figure(found.severe, better),
        harmless=_harmless(found, better, clean),
        nearest_fault=fault,
        blind_to=found.blind_to,
        margin=margin,
        date=day,
        fingerprints=tuple(sorted({m.fingerprint for m in measured})),
    )


def _harmless(found: PlacedLimit, better: str, conditions: Iterable[str]) -> HarmlessNoise:
    return HarmlessNoise(
        n=len(found.sample),
        mean=_figure(found.mean, better),
        sd=found.sd,
        worst=_figure(max(found.sample), better),
        bound=_figure(found.mean_bound, better),
        case_bound=_figure(found.case_bound, better),
        conditions=tuple(conditions),
    )


def _demand_whole(variant: str, conditions: Conditions) -> None:
    """Nothing is calibrated on a lane that did not run to its end."""
    for name, lanes in sorted(conditions.items()):
        for lane in lanes:
            if lane.status != "ran" or lane.failures or not lane.measurements:
                why = lane.failures[0].message if lane.failures else lane.reason or "it measured nothing"
                raise UsageError(f"a harmless lane of {variant} is not whole: {why}", where=f"{lane.id}, {name}")


def _keys(conditions: Conditions) -> list[Key]:
    """What can be calibrated: figures of cases and components that are neither hard, nor times, nor sizes."""
    keys = set()
    for m in (m for lanes in conditions.values() for lane in lanes for m in lane.measurements):
        placed = m.case is not None or m.component is not None
        gated = (
            m.metric not in {*HARD, *BASELINE_METRICS} and not is_timing(m.metric) and m.better in ("higher", "lower")
        )
        if placed and gated and m.unit not in BYTES and m.value is not None:
            keys.add((m.metric, m.component))
    return sorted(keys, key=lambda key: (key[0], key[1] or ""))


def _measurements(key: Key, lane: Lane) -> list[Measurement]:
    return [m for m in lane.measurements if (m.metric, m.component) == key]


def _losses(key: Key, lane: Lane) -> list[float]:
    """Larger is worse; figures that are missing or not finite are left out (`finite` sees those)."""
    losses = []
    for m in _measurements(key, lane):
        if m.value is None or not math.isfinite(m.value):
            continue
        if _of(m) == "value":
            losses.append(statistics.loss(m.value, m.better))
        elif m.golden is not None:
            losses.append(statistics.loss(m.value - m.golden, m.better))
    return losses


def _of(measurement: Measurement) -> Literal["difference", "value"]:
    return "value" if measurement.unit in VALUE_UNITS or measurement.golden is None else "difference"


def _figure(loss: float, better: str) -> float:
    """A loss as a figure again."""
    return -loss if better == "higher" else loss
