"""Latency and memory against an earlier run: asv's rule, a minimum relative effect, and never across fingerprints.

asv (airspeed velocity) calls two sets of readings different when the Mann-Whitney U test says so with p < 0.002,
provided that there are enough readings for any result to be that sure; otherwise when their 99 % intervals do not
overlap. A difference only counts from a factor of 1.1.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

from sdqa.bundle import Lane, Measurement, Status, Verdict, is_timing
from sdqa.bundle.fingerprint import differences

THRESHOLD = 0.002
FACTOR = 1.1
"""Smallest ratio of medians that counts."""
BYTES = frozenset({"B", "bytes"})


def judge_resources(lane: Lane, baseline: Lane) -> tuple[Verdict, ...]:
    """Verdicts on every timing and memory figure that both lanes have: `<lane>/<component or all>/<metric>`.

    Within one fingerprint: *fail* when the lane is different and worse by the factor, *suspicious* when it is worse by
    the factor but there are too few readings to be sure, *pass* otherwise. Between fingerprints: *not measured*.
    """
    apart = differences(baseline.fingerprint, lane.fingerprint, ignore=["metrics"])
    earlier = {(m.component, m.metric): m for m in baseline.measurements if _is_resource(m)}
    found = []
    for m in lane.measurements:
        before = earlier.get((m.component, m.metric)) if _is_resource(m) else None
        if before is None:
            continue
        status, reason = _compare(before, m) if not apart else ("not measured", f"another fingerprint: {apart[0]}")
        ratio = m.value / before.value if m.value is not None and before.value else None
        found.append(
            Verdict(
                check=f"{lane.id}/{m.component or 'all'}/{m.metric}",
                metric=m.metric,
                component=m.component,
                status=status,
                value=m.value,
                golden=before.value,
                difference=m.value - before.value if ratio is not None and m.value and before.value else None,
                tolerance=before.value * FACTOR if before.value is not None else None,
                unit=m.unit,
                n=max(1, len(m.samples)),
                fingerprint=m.fingerprint,
                reason=reason,
            )
        )
    return tuple(found)


def is_different(a: Sequence[float], b: Sequence[float]) -> bool | None:
    """asv's rule on two sets of readings; None when there are too few to tell.

    Raises:
        ValueError: a set is empty.
    """
    if not a or not b:
        raise ValueError("no readings")
    surest = 1 / math.comb(len(a) + len(b), min(len(a), len(b)))
    if surest < THRESHOLD:
        return mann_whitney(a, b) < THRESHOLD
    if len(a) < 3 or len(b) < 3:
        return None
    (low_a, high_a), (low_b, high_b) = (_interval(x) for x in (a, b))
    return high_a < low_b or high_b < low_a


def mann_whitney(a: Sequence[float], b: Sequence[float]) -> float:
    """Two-sided p of the Mann-Whitney U test: exact without ties up to 20 readings a side, else normal."""
    m, n = len(a), len(b)
    u = math.fsum((x > y) + 0.5 * (x == y) for x in a for y in b)
    ties = len({*a, *b}) < m + n
    if not ties and max(m, n) <= 20:
        top = max(u, m * n - u)
        ways = sum(_orderings(m, n, k) for k in range(int(top), m * n + 1))
        return min(1.0, 2 * ways / math.comb(m + n, m))
    counts = [[*a, *b].count(x) for x in {*a, *b}]
    correction = sum(t**3 - t for t in counts) / ((m + n) * (m + n - 1))
    sd = math.sqrt(m * n / 12 * (m + n + 1 - correction))
    if sd == 0:
        return 1.0
    z = (abs(u - m * n / 2) - 0.5) / sd
    return min(1.0, math.erfc(max(0.0, z) / math.sqrt(2)))


@functools.cache
def _orderings(m: int, n: int, u: int) -> int:
    """In how many orders of m and n readings U equals u."""
    if u < 0 or ((m == 0 or n == 0) and u):
        return 0
    if m == 0 or n == 0:
        return 1
    return _orderings(m - 1, n, u - n) + _orderings(m, n - 1, u)


def _compare(before: Measurement, after: Measurement) -> tuple[Status, str]:
    if before.replayed or after.replayed:
        return "not measured", "an earlier run measured it"
    if before.cases != after.cases:
        return "not measured", f"measured on other cases: {_named(before)}, now {_named(after)}"
    if before.value is None or after.value is None or before.value <= 0:
        return "not measured", after.reason or "no value to compare"
    if not math.isfinite(after.value):
        return "fail", f"the figure is {after.value}"
    a, b = before.samples or (before.value,), after.samples or (after.value,)
    ratio = _median(b) / _median(a) if _median(a) > 0 else math.inf
    stated = f"{ratio:.3f} times the earlier run's median ({len(a)} and {len(b)} readings), {FACTOR} counts"
    if ratio < FACTOR:
        return "pass", stated
    if len(a) == len(b) == 1 and not is_timing(after.metric):
        return "fail", stated  # sizes do not scatter
    different = is_different(a, b)
    if different is None:
        return "suspicious", f"{stated}; too few readings to be sure"
    return ("fail", stated) if different else ("pass", f"{stated}; not beyond the readings' spread")


def _named(measurement: Measurement) -> str:
    return ", ".join(measurement.cases) or "all"


def _is_resource(measurement: Measurement) -> bool:
    named = is_timing(measurement.metric) or measurement.unit in BYTES
    return named and measurement.case is None


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _interval(values: Sequence[float]) -> tuple[float, float]:
    """99 % interval of the median, from its asymptotic error (sd * 1.2533 / sqrt(n)) and Student's t."""
    n = len(values)
    mean = math.fsum(values) / n
    sd = math.sqrt(math.fsum((x - mean) ** 2 for x in values) / (n - 1))
    half = STUDENT_99[min(n - 1, len(STUDENT_99) - 1)] * 1.2533 * sd / math.sqrt(n)
    return _median(values) - half, _median(values) + half


STUDENT_99 = (math.inf, 63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169)
"""Two-sided 99 % quantiles of Student's t by degrees of freedom; the last one serves all beyond."""
