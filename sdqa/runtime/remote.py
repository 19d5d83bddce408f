"""iPhones and iPads on a Mac's cable: load and prediction times through coremltools' own remote device support.

coremltools 9 builds and signs a runner application with Xcode, installs it with `devicectl`, and times predictions on
the device itself. Where any of that is missing, the device is "not measured", and says why. None of it can be executed
away from a Mac; see docs/macos.md.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdqa import compat
from sdqa.errors import ExecutionError, RuntimeUnavailable, UsageError
from sdqa.runtime.coreml import REPETITIONS, Timing, require_coreml
from sdqa.runtime.protocol import Arrays


@dataclass(frozen=True)
class RemoteDevice:
    """A connected phone or tablet."""

    name: str
    kind: str
    """`iphone` or `ipad`."""
    os_version: str
    os_build: str
    handle: Any
    """coremltools' own `Device`."""


def connected_devices() -> tuple[RemoteDevice, ...]:
    """Phones and tablets that are connected now, by name.

    Raises:
        RuntimeUnavailable: this machine cannot list devices: no Mac, or no Xcode.
    """
    compat.prepare_coremltools()
    from coremltools.models.ml_program.experimental.remote_device import Device, DeviceType

    found = []
    for kind in (DeviceType.IPHONE, DeviceType.IPAD):
        try:
            devices = Device.get_connected_devices(kind)
        except Exception as error:  # ValueError without Xcode, a private class when devicectl fails
            hint = "connect the device to a Mac with Xcode"
            raise RuntimeUnavailable(f"devices cannot be listed: {error}", hint=hint) from error
        found += [RemoteDevice(each.name, kind.value, each.os_version, each.os_build_number, each) for each in devices]
    return tuple(sorted(found, key=lambda device: device.name))


def time_on_device(
    package: Path,
    component: str,
    inputs: Arrays,
    device: RemoteDevice,
    *,
    compute_unit: str,
    development_team: str,
    repetitions: int = REPETITIONS,
) -> Timing:
    """Time one package on a connected device; a warm-up run is left out by coremltools.

    Args:
        development_team: Apple's identifier of the team that signs the runner application.

    Raises:
        RuntimeUnavailable: this machine has no Core ML.
        UsageError: fewer than two repetitions.
        ExecutionError: building, installing or running on the device failed.
    """
    if repetitions < 2:
        raise UsageError(f"{repetitions} repetitions have no spread", hint="at least 2")
    ct = require_coreml()
    model = ct.models.MLModel(str(package), compute_units=ct.ComputeUnit[compute_unit], skip_model_load=True)
    try:
        load, predict = asyncio.run(_benchmark(model, device.handle, dict(inputs), development_team, repetitions))
    except Exception as error:  # the device support raises what xcodebuild, devicectl and sockets raise
        raise ExecutionError(f"the device gave no times: {error}", where=f"{component} on {device.name}") from error
    return Timing(component, compute_unit, load.samples[0], tuple(predict.samples))


async def _benchmark(model: Any, handle: Any, inputs: dict[str, Any], team: str, repetitions: int) -> tuple[Any, Any]:
    """Load and prediction measurements, in milliseconds."""
    from coremltools.models.ml_program.experimental.perf_utils import MLModelBenchmarker
    from coremltools.models.ml_program.experimental.remote_device import AppSigningCredentials

    prepared = await handle.prepare_for_model_debugging(credentials=AppSigningCredentials(development_team=team))
    benchmarker = MLModelBenchmarker(model=model, device=prepared)
    load = await benchmarker.benchmark_load(iterations=1)
    return load, await benchmarker.benchmark_predict(inputs=inputs, iterations=repetitions, warmup=True)
