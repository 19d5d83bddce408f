"""Where a limit goes: the arithmetic of calibration, on losses (larger is worse) of one metric.

1. *Harmless bound.* The one-sided normal tolerance bound mean + k sd of a single case, and of the mean over the suite's
   cases (sd / sqrt(n)), with the mean of the noisiest condition and the largest deviation of any; never less than a
   little more than the worst that was seen: every clean lane that was measured passes, its whole interval included.
   (In decibels only conditions near the noisiest count: near-identical pictures scatter by tens of decibels.) k covers
   all but a share of the population with the stated confidence, for as many figures as there are in all; the shares add
   up to `false_alarms` over all checks of a clean run (Bonferroni), half of it for the means, half for single cases.
   No bound is tighter than the metric's floor.
2. *Nearest fault seen.* Of the faults whose mean lies beyond the bound of the mean, which this metric sees (what a
   person would: `sdqa.faults.yardstick`), the least bad. To the others it is blind, and some other metric has to see
   them.
3. *Limit* on the mean: between the two, halfway, on a logarithmic scale where both are positive and the unit is not
   decibel. A metric that sees no measured fault gets its bound, widened by half.
4. *Limits* of a single case: halfway between its bound and the typical (median) case of the nearest fault seen; what
   is as bad as that fault, and half as far again from the mean as the bound, is severe. Where clean cases scatter so
   much that the bound lies beyond the fault, the worst case seen takes its place: a case between that limit and severe
   is suspicious, and fails when the mean does.
5. *Tail.* One kind of case, drawn many times more, gets a severe limit of its own where its worst figure does not fit
   those limits: the worst seen, half as far again from the median.
"""

from __future__ import annotations

import math
import statistics as plain
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sdqa.gate import statistics

SMALLEST_SD = 1e-9
WIDENING = 1.5
"""Factor on the distance from mean to bound, where no measured fault is seen."""
HEADROOM = 1.15
"""Factor on the distance from mean to the worst of the clean lanes: it may come again, a little worse."""
NEAR = 3.0
"""Deviations within which two conditions are of one size."""

Conditions = Mapping[str, Sequence[Sequence[float]]]
"""Condition → lanes → losses of their cases."""


@dataclass(frozen=True)
class Risk:
    """How sure the bounds are."""

    checks: int  # of a whole run
    false_alarms: float  # probability of any in a clean run
    confidence: float  # that a bound covers what it says


@dataclass(frozen=True)
class PlacedLimit:
    """Bounds and limits of one metric, as losses."""

    sample: tuple[float, ...]  # the clean figures that count
    mean_bound: float
    case_bound: float
    limit: float
    case_limit: float
    severe: float
    nearest: str | None  # the nearest fault seen
    blind_to: tuple[str, ...]

    @property
    def mean(self) -> float:
        """Of the clean figures."""
        return plain.fmean(self.sample)

    @property
    def sd(self) -> float:
        """Of the clean figures."""
        return deviation(self.sample)


def place(
    clean: Conditions, faults: Mapping[str, Sequence[float]], risk: Risk, *, decibel: bool, floor: float
) -> PlacedLimit:
    """Place the limits of one metric.

    Args:
        clean: at least two losses in all; no condition is empty.
        faults: fault → losses of its cases, none empty.
        decibel: whether the unit is logarithmic.
        floor: loss below which nothing matters; minus infinity for none.
    """
    pooled = {name: [x for lane in lanes for x in lane] for name, lanes in clean.items()}
    noisiest = max(pooled, key=lambda name: (plain.fmean(pooled[name]), name))
    counted = [figures for figures in pooled.values() if not decibel or _is_near(figures, pooled, noisiest)]
    sample = tuple(x for figures in counted for x in figures)
    center, worst = plain.fmean(sample), max(sample)
    cases = max(1, round(len(pooled[noisiest]) / len(clean[noisiest])))
    mean_bound, case_bound = _bounds(plain.fmean(pooled[noisiest]), counted, cases, risk)
    ends = [statistics.interval(lane)[1] for lanes in clean.values() for lane in lanes if lane]
    mean_bound = max(floor, mean_bound, *(_away(end, center, HEADROOM) for end in ends))
    case_bound = max(floor, worst, case_bound)
    means = {name: plain.fmean(figures) for name, figures in faults.items()}
    seen = {name: mean for name, mean in means.items() if mean > mean_bound}
    nearest = min(seen, key=lambda name: (seen[name], name), default=None)
    limit = _away(mean_bound, center, WIDENING)
    if nearest is not None:
        limit = _between(mean_bound, seen[nearest], decibel)
    typical = [plain.median_high(faults[name]) for name in seen]
    beyond = min((level for level in typical if level > max(worst, floor)), default=None)
    if beyond is None:
        case_limit, severe = _away(worst, center, WIDENING), case_bound
    elif case_bound < beyond:
        case_limit, severe = _between(case_bound, beyond, decibel), beyond
    else:
        case_limit, severe = _between(max(worst, floor), beyond, decibel), case_bound
    case_limit = max(limit, case_limit, _away(worst, center, HEADROOM))
    return PlacedLimit(
        sample=sample,
        mean_bound=mean_bound,
        case_bound=case_bound,
        limit=limit,
        case_limit=case_limit,
        severe=max(case_limit, severe, _away(case_bound, center, WIDENING)),
        nearest=nearest,
        blind_to=tuple(sorted(set(means) - set(seen))),
    )


def place_tail(
    losses: Sequence[float], *, mean: float, limit: float, severe: float, cases: int, alone: int
) -> tuple[float, float] | None:
    """The worst of many figures of one kind of case, and what is severe for that kind; see `sdqa.gate.tail`.

    Args:
        losses: of the kind's cases, from many draws.
        mean: of the harmless figures of all cases.
        limit: on the mean over all cases.
        severe: of a single case, whatever its kind.
        cases: how many cases a suite's mean is taken over.
        alone: how many of them are of the kind.

    Returns:
        None where those limits hold for the kind as well.
    """
    if not losses:
        return None
    worst = max(losses)
    end = _away(worst, plain.median(losses), WIDENING)
    if end <= severe and (mean * max(0, cases - alone) + worst * alone) / max(cases, alone) <= limit:
        return None
    return worst, max(severe, end)


def deviation(values: Sequence[float]) -> float:
    """Sample standard deviation; 0 of a single value."""
    return plain.stdev(values) if len(values) > 1 else 0.0


def _bounds(mean: float, conditions: Sequence[Sequence[float]], cases: int, risk: Risk) -> tuple[float, float]:
    """What the mean over a suite's cases, and a single one of them, may reach without harm."""
    figures = [x for condition in conditions for x in condition]
    sd = max((deviation(condition) for condition in conditions if len(condition) >= 3), default=0.0)
    sd = max(SMALLEST_SD, sd if sd > SMALLEST_SD else deviation(figures))
    means = risk.checks / (cases + 1)
    shares = (risk.false_alarms / 2 / max(1.0, means), risk.false_alarms / 2 / max(1.0, risk.checks - means))
    n = max(2, len(figures))
    k_mean, k_case = (statistics.tolerance_factor(n, 1 - share, risk.confidence) for share in shares)
    return mean + k_mean * sd / math.sqrt(cases), mean + k_case * sd


def _is_near(figures: Sequence[float], pooled: Mapping[str, Sequence[float]], noisiest: str) -> bool:
    """Whether a condition is of the noisiest one's size."""
    reference = pooled[noisiest]
    sd = deviation(reference) if len(reference) >= 3 else deviation([x for one in pooled.values() for x in one])
    return plain.fmean(reference) - plain.fmean(figures) <= NEAR * max(SMALLEST_SD, sd)


def _between(bound: float, fault: float, decibel: bool) -> float:
    """Halfway between bound and fault: geometric where both are positive and the unit is not logarithmic already."""
    if fault <= bound:
        return bound
    return math.sqrt(bound * fault) if bound > 0 and not decibel else (bound + fault) / 2


def _away(bound: float, center: float, factor: float) -> float:
    """A bound moved away from the mean."""
    return center + factor * max(SMALLEST_SD, bound - center)
