"""The figures of a lane as a whole, and its packages as a bundle records them."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from sdqa.bundle import DeviceEstimate, Estimate, Measurement, Package, PackageFacts
from sdqa.bundle.facts import ComputePlan, PackageCost, PlacementFinding, PlacementLint, WeightCoverage
from sdqa.bundle.readings import worst_reading
from sdqa.convert.looked import unset_words

if TYPE_CHECKING:
    from sdqa.convert import PackageRecord
    from sdqa.convert.stage import StoredPackage
    from sdqa.generate.sample import StoredSample
    from sdqa.plan import PlannedLane


def lane_measurements(
    packages: Mapping[str, StoredPackage], samples: Mapping[str, StoredSample], fingerprint: str
) -> list[Measurement]:
    """Figures of the lane as a whole: sizes, coverage, times and memory."""
    found: list[Measurement] = []
    for name, package in packages.items():
        record = package.record
        found.append(_figure("package_bytes", float(record.bytes), "B", name, fingerprint))
        found.append(_hard("coverage", record.coverage.complete, str(record.coverage), name, fingerprint))
        found.append(_hard("contract", not record.breaches, _contract_reason(record), name, fingerprint))
    if packages:
        from sdqa.convert.budget import estimate_memory

        memory = estimate_memory([package.record.cost for package in packages.values()])
        found.append(_figure("model_memory_bytes", float(memory.load_all_bytes), "B", None, fingerprint))
        alone = float(memory.one_at_a_time_bytes)
        found.append(_figure("one_at_a_time_memory_bytes", alone, "B", None, fingerprint))
        if _linted(packages.values()):
            away = round(100 * leaving_share(packages.values()), 4)
            found.append(_figure("off_neural_engine_percent", away, "%", None, fingerprint))
    return found + resource_measurements(samples, tuple(packages), fingerprint)


def resource_measurements(
    samples: Mapping[str, StoredSample], components: tuple[str, ...], fingerprint: str
) -> list[Measurement]:
    """Times and memory: of the cases that were drawn in this run; of all where none was, and then they say so."""
    if not samples:
        return []
    now = {case: sample for case, sample in samples.items() if sample.fresh}
    records = [sample.record for sample in (now or samples).values()]
    found: list[Measurement] = []
    executed = dict.fromkeys([*components, *(name for record in records for name in record.seconds)])
    for name in executed:
        seconds = [second for record in records for second in record.seconds.get(name, ())]
        if seconds:
            found.append(_repeated("latency_ms", [1000 * second for second in seconds], "ms", name, fingerprint))
    found.append(_repeated("inference_s", [_inference(r.seconds) for r in records], "s", None, fingerprint))
    found.append(_repeated("end_to_end_s", [r.end_to_end_s for r in records], "s", None, fingerprint))
    peak = float(max(record.peak_bytes for record in records))
    found.append(_figure("peak_memory_bytes", peak, "B", None, fingerprint))
    return [one.model_copy(update=_provenance(samples, now)) for one in found]


def _provenance(samples: Mapping[str, StoredSample], now: Mapping[str, StoredSample]) -> dict[str, object]:
    """Where times and memory come from, as a measurement says it."""
    if not now:
        machines = "; ".join(sorted({sample.record.machine for sample in samples.values()} - {""}))
        return {"replayed": True, "measured_on": machines, "reason": "measured by an earlier run"}
    others = len(samples) - len(now)
    if not others:
        return {}
    reason = f"measured now on {', '.join(now)}; {others} other{'s were' if others > 1 else ' was'} drawn earlier"
    if any(sample.repeated is False for sample in now.values()):
        reason += "; drawn again, the picture is not the stored one"
    return {"cases": tuple(now), "reason": reason}


def _contract_reason(record: PackageRecord) -> str:
    """What a package breaks, or that it is as declared; and the names of its own that stand for the declared ones."""
    said = "; ".join(record.breaches) or "inputs and outputs are as declared"
    if record.batch is not None:
        said += f"; the U-Net takes {record.batch} row at a time: guidance above 1 runs it twice a step"
    said = "; ".join([said, *unset_words(record.defaults)])
    renamed = ", ".join(f"{own} for {name}" for name, own in sorted(record.names.items()))
    return f"{said}; renamed: {renamed}" if renamed else said


def _linted(packages: Iterable[StoredPackage]) -> bool:
    """Whether something is known of where they run: a format without a lint says nothing of it."""
    return all(package.record.lint for package in packages)


def leaving_share(packages: Iterable[StoredPackage]) -> float:
    """Share of the arithmetic off the Neural Engine by the lint's rules, over one run of every component."""
    costs = [(package.record.cost.flops, package.record.leaving_share) for package in packages]
    total = sum(flops for flops, _ in costs)
    return sum(flops * share for flops, share in costs) / total if total else 0.0


def estimated_latency(lane: PlannedLane, packages: Mapping[str, StoredPackage]) -> Estimate | None:
    """A roofline estimate of the lane's longest case on devices that are not here; None where nothing would run."""
    from sdqa.convert.budget import CHIPS, beyond_calibration, estimate_latency
    from sdqa.plan.describe import unet_calls

    if not packages or not lane.cases:
        return None
    name, case = max(lane.all_cases.items(), key=lambda item: unet_calls(item[1]))
    costs = [package.record.cost for package in packages.values()]
    estimate = partial(Estimate, case=name, steps=unet_calls(case))
    if not _linted(packages.values()):
        return estimate(reason="estimates are calibrated on Core ML packages")
    reason = beyond_calibration(costs)
    if reason:
        return estimate(reason=reason)
    found = [estimate_latency(costs, unet_calls(case), chip, image_to_image=case.source is not None) for chip in CHIPS]
    return estimate(
        devices=tuple(
            DeviceEstimate(
                device=one.device,
                seconds=round(one.seconds, 3),
                low_s=round(one.low_s, 3),
                high_s=round(one.high_s, 3),
                step_s=round(one.step_s, 4),
            )
            for one in found
        ),
    )


def describe_packages(
    packages: Iterable[StoredPackage], plans: Mapping[str, Sequence[ComputePlan]]
) -> tuple[Package, ...]:
    """The packages as a bundle records them, with Core ML's compute plans where there are any."""
    return tuple(
        Package(
            component=package.record.component,
            name=package.path.name,
            digest=package.record.digest,
            bytes=package.record.bytes,
            operations=package.record.operations,
            facts=_package_facts(package, plans.get(package.record.component, ())),
        )
        for package in packages
    )


def _package_facts(package: StoredPackage, plans: Sequence[ComputePlan]) -> PackageFacts:
    record = package.record
    findings = [
        PlacementFinding(
            rule=finding.rule,
            severity=finding.severity,
            reason=finding.reason,
            operations=len(finding.operations),
            modules=finding.modules[:8],
            flops_share=round(finding.flops_share, 6),
        )
        for lint in record.lint
        for finding in lint.findings
    ]
    facts = PackageFacts(
        bit_widths=record.bit_widths,
        average_bits=round(record.average_bits, 3),
        histogram=record.histogram,
        coverage=WeightCoverage.model_validate(record.coverage.model_dump()),
        cost=PackageCost.model_validate(dataclasses.asdict(record.cost)),
    )
    replayed = "" if package.fresh else "replayed_"
    update: dict[str, object] = {
        f"{replayed}conversion_seconds": round(record.conversion_seconds, 3),
        f"{replayed}conversion_peak_bytes": record.peak_bytes,
    }
    if plans:
        update["compute_plans"] = tuple(plans)
    if record.lint:
        share = round(record.leaving_share, 6)
        update["neural_engine"] = PlacementLint(leaving_share=share, findings=tuple(findings))
    return facts.model_copy(update=update)


def parity_measurements(readings: Mapping[str, Mapping[str, tuple[float, ...]]]) -> list[Measurement]:
    """The worst teacher-forced PSNR of each component; NaN where anything was not finite.

    Args:
        readings: component → case → calls, in dB.
    """
    from sdqa.metrics.kinds import PARITY_IDENTITY

    blank = Measurement(metric="parity_psnr", unit="dB", better="higher", fingerprint=PARITY_IDENTITY)
    return [
        worst_reading(blank.model_copy(update={"component": name}), by_case)
        for name, by_case in readings.items()
        if by_case
    ]


def _inference(seconds: Mapping[str, tuple[float, ...]]) -> float:
    """Time inside the components."""
    return sum(sum(values) for values in seconds.values())


def _figure(metric: str, value: float, unit: str, component: str | None, fingerprint: str) -> Measurement:
    return Measurement(
        metric=metric, component=component, value=value, unit=unit, better="lower", fingerprint=fingerprint
    )


def _hard(metric: str, holds: bool, reason: str, component: str, fingerprint: str) -> Measurement:
    """Something that must be so: 1 when it is."""
    return Measurement(
        metric=metric, component=component, value=float(holds), better="equal", fingerprint=fingerprint, reason=reason
    )


def _repeated(metric: str, values: list[float], unit: str, component: str | None, fingerprint: str) -> Measurement:
    """A median with its spread and its readings."""
    return Measurement(
        metric=metric,
        component=component,
        value=statistics.median(values),
        unit=unit,
        better="lower",
        spread=statistics.pstdev(values),
        n=len(values),
        samples=tuple(round(value, 6) for value in values),
        fingerprint=fingerprint,
    )
