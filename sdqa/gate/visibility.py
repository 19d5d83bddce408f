"""The visibility bound: what a person would see, for lanes that nobody has calibrated yet.

How far a machine's own arithmetic scatters is a property of the machine and has to be measured on it. Whether a
difference can be seen is not: it depends on the model and the metric. So a lane without limits of its own is held
against the least bad measured fault that stands out from *every* calibrated variant of the model, the 8-bit ones that
nobody can tell from the uncompressed among them: of the tables whose limit lies before such a fault, the most lenient.
A metric to which no measured fault is visible in any table has no bound.

Where nothing was ever calibrated, a few metrics have a bound that other projects' gates publish. Verdicts by either are
provisional, and say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sdqa.bundle import Lane, Measurement
from sdqa.gate.stated import stated_tolerance
from sdqa.gate.tolerances import ANY_VARIANT, Tolerance, Tolerances
from sdqa.runtime.registry import on_device

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


def visibility_bound(tolerances: Tolerances | None, measurement: Measurement) -> Bound | None:
    """The bound of a figure; None where neither the model's faults nor anybody's gate gives one."""
    lax: Bound | None = None
    for variant, found in _before_a_fault(tolerances, measurement):
        if lax is None or lax.tolerance.worse_than(found.limit, lax.tolerance.limit):
            assert found.nearest_fault is not None
            name = found.nearest_fault.name
            lax = Bound(found, f"{name} is the nearest fault that stands out from every variant, as from {variant}")
    if lax is None and measurement.metric in PUBLISHED:
        limit, source = PUBLISHED[measurement.metric]
        facts = measurement.metric, measurement.component, limit, measurement.unit, measurement.better
        return Bound(stated_tolerance(*facts), source)
    return lax


def _before_a_fault(tolerances: Tolerances | None, measurement: Measurement) -> Iterator[tuple[str, Tolerance]]:
    """Variant and tolerance of each table whose limit lies before a visible fault; what a device adds is left out, as
    it is no measure of what can be seen, and so are figures of another metric, network or resolution."""
    metric, component = measurement.metric, measurement.component
    for variant, table in sorted((tolerances.variants if tolerances else {}).items()):
        runtime = variant.partition("@")[2].partition("-")[0]
        if variant == ANY_VARIANT or (runtime and on_device(runtime)):
            continue
        keys = (f"{metric}@{component}", metric) if component else (metric,)
        found = next((table[key] for key in keys if key in table), None)
        if found is not None and found.nearest_fault is not None and found.serves(measurement):
            yield variant, found
