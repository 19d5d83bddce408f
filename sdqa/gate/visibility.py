"""The visibility bound: what stands out from every sound variant, for lanes that nobody has calibrated yet.

How far a machine's own arithmetic scatters is a property of the machine and has to be measured on it. Whether a metric
sees a fault in all of it is not: it depends on the model and the metric. So a lane without limits of its own is held
against the least bad measured fault that stands out from *every* calibrated variant of the model, the 8-bit ones that
nobody can tell from the uncompressed among them: of the tables whose limit lies before such a fault, the most lenient.
A metric that sees no measured fault in any table has no bound. What a person sees is another question, which the
campaigns' yardstick answers (`sdqa.faults.yardstick`).

Where nothing was ever calibrated, a few metrics have a bound that other projects' gates publish. Verdicts by either are
provisional, and say so.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sdqa.bundle import Lane
from sdqa.gate.stated import COMPARING, stated_tolerance
from sdqa.gate.tolerances import ANY_VARIANT, Tolerance, Tolerances
from sdqa.runtime.registry import DEFAULT

PUBLISHED: Mapping[str, tuple[float, str]] = {
    "psnr": (28.0, "SGLang and vLLM-Omni accept no less of a picture"),
    "ssim": (0.94, "vLLM-Omni accepts no less"),
    "clip_image_similarity": (0.92, "SGLang accepts no less"),
    "parity_psnr": (29.5, "apple/coreai-models accepts no less of a component"),
}
"""Bounds for models of which nothing was measured: the most lenient of the gates that publish one."""


@dataclass(frozen=True)
class Bound:
    """What a provisional verdict rests on."""

    tolerance: Tolerance
    source: str  # in words


def has_own_limits(tolerances: Tolerances | None, lane: Lane) -> bool:
    """Whether the lane was calibrated: a table of its variant exists for the machine that it runs on."""
    if tolerances is None:
        return False
    return any(tolerances.variants.get(name) for name in tolerances.names_of(lane) if name != ANY_VARIANT)


def visibility_bound(
    tolerances: Tolerances | None, metric: str, component: str | None = None, fingerprint: str | None = None
) -> Bound | None:
    """The bound of a figure; None where neither the model's faults nor anybody's gate gives one.

    Args:
        fingerprint: of the figure; what was measured with another metric, network or resolution is left out. None: all.
    """
    found = list(_before_a_fault(tolerances, metric, component, fingerprint))
    if not found or component is not None:
        found += _published(metric, component)
    return functools.reduce(_more_lenient, found) if found else None


def _more_lenient(one: Bound, other: Bound) -> Bound:
    return other if one.tolerance.worse_than(other.tolerance.limit, one.tolerance.limit) else one


def _published(metric: str, component: str | None) -> Iterator[Bound]:
    """What others accept. For a component it counts beside the model's own faults: nobody sees a component."""
    if metric in PUBLISHED:
        limit, source = PUBLISHED[metric]
        yield Bound(stated_tolerance(metric, component, limit, *COMPARING[metric]), source)


def _before_a_fault(
    tolerances: Tolerances | None, metric: str, component: str | None, fingerprint: str | None
) -> Iterator[Bound]:
    """The tolerance of each table whose limit lies before a fault seen; what another runtime adds is left out, as it
    is no measure of what can be seen."""
    for variant, table in sorted((tolerances.variants if tolerances else {}).items()):
        if variant == ANY_VARIANT or variant.partition("@")[2] not in ("", DEFAULT):
            continue
        keys = (f"{metric}@{component}", metric) if component else (metric,)
        found = next((table[key] for key in keys if key in table), None)
        if found is None or found.nearest_fault is None:
            continue
        if fingerprint is None or found.serves(fingerprint):
            source = f"{found.nearest_fault.name} is the nearest fault that stands out from every variant ({variant})"
            yield Bound(found, source)
