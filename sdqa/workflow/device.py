"""What only the device itself can tell of a lane: the machine, load and prediction times, memory, placement.

Where it cannot tell (a virtual Mac without a Neural Engine, a system without compute plans) the figure is there without
a value, and says why.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sdqa.bundle import Measurement
from sdqa.errors import SdqaError

if TYPE_CHECKING:
    from pathlib import Path

    from sdqa.convert import PackageRecord
    from sdqa.runtime import Arrays, Runtime
    from sdqa.runtime.measured import Placement, Timing

NAMED = 20
"""Operations off the Neural Engine that a bundle names for each package; they are sorted by cost."""


def machine_facts() -> dict[str, Any]:
    """The Mac, for a lane's fingerprint: chip, system, compute devices, and whether it is a virtual one."""
    from sdqa.runtime.machine import describe_machine

    try:
        machine = describe_machine()
    except SdqaError as error:
        return {"mac": f"not described: {error}"}
    return {"mac": {**asdict(machine), "devices": list(machine.devices)}}


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
    facts: dict[str, Any] = {"component": timing.component, "unit": "ms", "fingerprint": fingerprint}
    return [
        Measurement(metric="load_ms", value=timing.load_ms, **facts),
        Measurement(
            metric="predict_ms",
            value=timing.median_ms,
            spread=timing.spread_ms,
            n=len(timing.samples_ms),
            samples=tuple(round(sample, 4) for sample in timing.samples_ms),
            **facts,
        ),
    ]


def footprint(fingerprint: str, read: Callable[[], tuple[int, int]] | None = None) -> Measurement:
    """The peak of what the system charges this process with, which is what iOS and macOS kill by."""
    from sdqa.runtime.machine import physical_footprint

    facts: dict[str, Any] = {"metric": "footprint_peak_bytes", "unit": "B", "fingerprint": fingerprint}
    try:
        _, peak = (read or physical_footprint)()
    except SdqaError as error:
        return Measurement(**facts, reason=str(error))
    return Measurement(**facts, value=float(peak))


def place_component(
    record: PackageRecord,
    compute_unit: str,
    fingerprint: str,
    *,
    machine: Mapping[str, Any],
    read: Callable[[Path, str], Placement] | None,
) -> tuple[Measurement, list[dict[str, Any]]]:
    """Share of a component's estimated cost on the Neural Engine, and what each of its packages runs elsewhere.

    Args:
        machine: from `machine_facts`.
        read: the runtime's; None where it cannot tell.
    """
    facts: dict[str, Any] = {
        "metric": "neural_engine_percent",
        "component": record.component,
        "unit": "%",
        "better": "higher",
        "fingerprint": fingerprint,
    }
    mac = machine.get("mac")
    if not isinstance(mac, Mapping):
        return Measurement(**facts, reason=f"the machine is unknown: {mac}"), []
    if not mac["neural_engine_cores"]:
        kind = "virtual Mac" if mac["virtual"] else "Mac"
        return Measurement(**facts, reason=f"this {kind} has no Neural Engine"), []
    if read is None:
        return Measurement(**facts, reason="the runtime does not tell where operations run"), []
    try:
        plans = [read(path, compute_unit) for path in record.paths]
    except SdqaError as error:
        return Measurement(**facts, reason=str(error)), []
    share = sum(plan.shares["neural_engine"] for plan in plans) / len(plans)
    return Measurement(**facts, value=100 * share), [_plan(plan) for plan in plans]


def _plan(plan: Placement) -> dict[str, Any]:
    return {
        "shares": {device: round(share, 6) for device, share in plan.shares.items()},
        "operations": dict(plan.operations),
        "untold": plan.untold,
        "off_neural_engine": [f"{name} ({kind}, {share:.3g})" for name, kind, share in plan.off_neural_engine[:NAMED]],
    }


def measure_device(
    records: Sequence[PackageRecord],
    inputs: Mapping[str, Arrays],
    runtime: Runtime,
    compute_unit: str,
    fingerprint: str,
    machine: Mapping[str, Any],
) -> tuple[list[Measurement], dict[str, list[dict[str, Any]]]]:
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
    plans: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        if record.component in inputs:
            found += time_component(record, inputs[record.component], runtime, compute_unit, fingerprint)
        share, told = place_component(record, compute_unit, fingerprint, machine=machine, read=runtime.placement)
        found.append(share)
        if told:
            plans[record.component] = told
    return [*found, footprint(fingerprint)], plans
