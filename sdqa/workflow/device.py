"""What only the device itself can tell of a lane: the machine, load and prediction times, memory, placement.

Where it cannot tell (a virtual Mac without a Neural Engine, a system without compute plans) the figure is there without
a value, and says why.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from sdqa.bundle import Measurement
from sdqa.bundle.facts import ComputePlan
from sdqa.bundle.fingerprint import Mac
from sdqa.errors import SdqaError

if TYPE_CHECKING:
    from pathlib import Path

    from sdqa.convert import PackageRecord
    from sdqa.runtime import Arrays, Runtime
    from sdqa.runtime.measured import Placement, Timing

NAMED = 20
"""Operations off the Neural Engine that a bundle names for each package; they are sorted by cost."""


def machine_facts() -> Mac | str:
    """The Mac, for a lane's fingerprint: chip, system, compute devices, whether it is virtual; or why nobody knows."""
    from sdqa.runtime.machine import describe_machine

    try:
        return Mac.model_validate(asdict(describe_machine()))
    except SdqaError as error:
        return f"not described: {error}"


def time_component(
    record: PackageRecord, inputs: Arrays, runtime: Runtime, compute_unit: str, fingerprint: str
) -> list[Measurement]:
    """Load time, and prediction times after warm-ups, on inputs of the teacher's.

    Raises:
        SdqaError: the runtime does not load or run the packages.
    """
    from sdqa.runtime.measured import time_runner
    from sdqa.runtime.protocol import Loaded

    started = time.perf_counter()
    runner = runtime.make_runner(record.component, *record.paths, compute_unit=compute_unit)
    load_s = runner.load_s if isinstance(runner, Loaded) else time.perf_counter() - started
    own = {record.names.get(name, name): value for name, value in inputs.items()}
    return _times(time_runner(runner, own, compute_unit=compute_unit, load_s=load_s), fingerprint)


def _times(timing: Timing, fingerprint: str) -> list[Measurement]:
    figure = partial(Measurement, component=timing.component, unit="ms", fingerprint=fingerprint)
    return [
        figure(metric="load_ms", value=timing.load_ms),
        figure(
            metric="predict_ms",
            value=timing.median_ms,
            spread=timing.spread_ms,
            n=len(timing.samples_ms),
            samples=tuple(round(sample, 4) for sample in timing.samples_ms),
        ),
    ]


def prove_engine(
    record: PackageRecord, inputs: Arrays, runtime: Runtime, compute_unit: str, fingerprint: str
) -> list[Measurement]:
    """Whether the Neural Engine really ran a component, by its bits: 1 or 0; nothing where the unit excludes it.

    Told apart from `neural_engine_percent`, which is what the compute plan promises: plans have been wrong.

    Raises:
        SdqaError: the runtime does not load or run the packages.
    """
    from sdqa.runtime.engine import ENGINE_UNITS, prove
    from sdqa.runtime.registry import CPU_ONLY

    if compute_unit not in ENGINE_UNITS or CPU_ONLY not in runtime.compute_units:
        return []
    own = {record.names.get(name, name): value for name, value in inputs.items()}
    proof = prove(
        lambda unit: runtime.make_runner(record.component, *record.paths, compute_unit=unit), own, compute_unit
    )
    return [
        Measurement(
            metric="neural_engine_ran",
            component=record.component,
            value=float(proof.ran),
            better="higher",
            fingerprint=fingerprint,
            reason=proof.words,
        )
    ]


def footprint(fingerprint: str, read: Callable[[], tuple[int, int]] | None = None) -> Measurement:
    """The peak of what the system charges this process with, which is what iOS and macOS kill by."""
    from sdqa.runtime.machine import physical_footprint

    figure = partial(Measurement, metric="footprint_peak_bytes", unit="B", fingerprint=fingerprint)
    try:
        _, peak = (read or physical_footprint)()
    except SdqaError as error:
        return figure(reason=str(error))
    return figure(value=float(peak))


def place_component(
    record: PackageRecord,
    compute_unit: str,
    fingerprint: str,
    *,
    machine: Mac | str | None,
    read: Callable[[Path, str], Placement] | None,
) -> tuple[Measurement, tuple[ComputePlan, ...]]:
    """Share of a component's estimated cost on the Neural Engine, and what each of its packages runs elsewhere.

    Args:
        machine: from `machine_facts`.
        read: the runtime's; None where it cannot tell.
    """
    figure = partial(
        Measurement,
        metric="neural_engine_percent",
        component=record.component,
        unit="%",
        better="higher",
        fingerprint=fingerprint,
    )
    if not isinstance(machine, Mac):
        return figure(reason=f"the machine is unknown: {machine}"), ()
    if not machine.neural_engine_cores:
        kind = "virtual Mac" if machine.virtual else "Mac"
        return figure(reason=f"this {kind} has no Neural Engine"), ()
    if read is None:
        return figure(reason="the runtime does not tell where operations run"), ()
    try:
        plans = [read(path, compute_unit) for path in record.paths]
    except SdqaError as error:
        return figure(reason=str(error)), ()
    share = sum(plan.shares["neural_engine"] for plan in plans) / len(plans)
    return figure(value=100 * share), tuple(_plan(plan) for plan in plans)


def _plan(plan: Placement) -> ComputePlan:
    return ComputePlan(
        shares={device: round(share, 6) for device, share in plan.shares.items()},
        operations=dict(plan.operations),
        untold=plan.untold,
        off_neural_engine=tuple(
            f"{name} ({kind}, {share:.3g})" for name, kind, share in plan.off_neural_engine[:NAMED]
        ),
    )


def measure_device(
    records: Sequence[PackageRecord],
    inputs: Mapping[str, Arrays],
    runtime: Runtime,
    compute_unit: str,
    fingerprint: str,
    machine: Mac | str | None,
) -> tuple[list[Measurement], dict[str, tuple[ComputePlan, ...]]]:
    """Everything above, for the components that there are inputs for.

    Args:
        inputs: of one call of each component.
        machine: from `machine_facts`.

    Returns:
        Measurements, and the compute plans by component.

    Raises:
        SdqaError: the runtime does not load or run a package.
    """
    found: list[Measurement] = []
    plans: dict[str, tuple[ComputePlan, ...]] = {}
    for record in records:
        if record.component in inputs:
            found += time_component(record, inputs[record.component], runtime, compute_unit, fingerprint)
            found += prove_engine(record, inputs[record.component], runtime, compute_unit, fingerprint)
        share, told = place_component(record, compute_unit, fingerprint, machine=machine, read=runtime.placement)
        found.append(share)
        if told:
            plans[record.component] = told
    return [*found, footprint(fingerprint)], plans
