"""Scoring: a subject in, measurements out; and the self-test that runs before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sdqa.errors import MetricError
from sdqa.metrics import shape
from sdqa.metrics.models import MetricModels
from sdqa.metrics.registry import METRICS, Metric, Reading, find
from sdqa.metrics.subject import Subject

if TYPE_CHECKING:
    from sdqa.bundle import Measurement


SHAPELESS = frozenset({"finite", "shape"})
"""Metrics that can be read when candidate and golden have different shapes."""


@dataclass(frozen=True)
class SelfTestResult:
    """One self-test and whether the metric stayed out of it."""

    metric: str
    self_test: str
    passed: bool
    detail: str  # what was read instead


def applicable(offered: Sequence[str] | frozenset[str], names: Sequence[str] | None = None) -> tuple[str, ...]:
    """Which metrics can be measured on a case.

    Args:
        offered: of `source` and `source_prompt`; empty for text-to-image.
        names: the metrics in question; all when None.

    Raises:
        UsageError: a name is unknown.
    """
    chosen = sorted(METRICS) if names is None else names
    return tuple(name for name in chosen if find(name).applies(offered) and (names or not find(name).on_request))


def score(subject: Subject, names: Sequence[str] | None, models: MetricModels) -> tuple[Measurement, ...]:
    """Measure a subject with every metric that applies to it.

    A metric that cannot be computed gives a measurement without a value, which the gate calls "not measured".

    Args:
        names: metrics, in the order wanted; all when None (but those that are measured on request).

    Raises:
        UsageError: a name is unknown.
        MetricError: the golden itself is not finite.
    """
    import numpy as np

    if not (np.isfinite(subject.golden.latents).all()):
        raise MetricError("the golden's latents are not finite", where=subject.case)
    return tuple(_measure(find(name), subject, models) for name in applicable(subject.offers(), names))


def run_self_tests(models: MetricModels, names: Sequence[str] | None = None) -> tuple[SelfTestResult, ...]:
    """Run every self-test of the chosen metrics (all that need no extra when None); a second or less."""
    chosen = [name for name, one in sorted(METRICS.items()) if "face" not in one.needs] if names is None else names
    results = []
    for name in chosen:
        for what in find(name).self_tests:
            found = find(name).fall(what, models)
            results.append(SelfTestResult(name, what, found is True, "" if found is True else str(found)))
    return tuple(results)


def demand_sound(models: MetricModels, names: Sequence[str] | None = None) -> tuple[SelfTestResult, ...]:
    """The self-test's results, when all passed.

    Raises:
        MetricError: a metric failed a self-test; nothing it says can be trusted.
    """
    results = run_self_tests(models, names)
    failed = [result for result in results if not result.passed]
    if failed:
        listing = "; ".join(f"{result.metric}: {result.self_test}: {result.detail}" for result in failed)
        raise MetricError(
            f"{len(failed)} metric self-tests failed: {listing}", hint="check the metrics' weights and versions"
        )
    return results


def _measure(metric: Metric, subject: Subject, models: MetricModels) -> Measurement:
    from sdqa.bundle import Measurement

    problem = shape.difference(subject)
    if problem and metric.name not in SHAPELESS:
        reading = Reading(None, reason=f"cannot be compared: {problem}")
    else:
        try:
            reading = metric.read(subject, models)
        except MetricError as error:
            reading = Reading(None, reason=str(error))
    value, reason = reading.value, reading.reason
    low, high = metric.valid
    if value is not None and math.isfinite(value) and not low <= value <= high:
        reason = f"{value:g} is outside the metric's valid range [{low:g}, {high:g}]"
        value = None
    return Measurement(
        metric=metric.name,
        case=subject.case,
        value=value,
        golden=reading.golden,
        unit=metric.unit,
        better=metric.better,
        fingerprint=models.fingerprint(metric.name, subject.golden.image.shape[:2]),
        reason=reason,
    )
