"""The remote runtime against coremltools' own classes and signatures; the device itself is made up."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coremltools.models.ml_program.experimental import perf_utils, remote_device

from sdqa.convert import PackageRecord
from sdqa.errors import ExecutionError, RuntimeUnavailable, UsageError
from sdqa.runtime.remote import RemoteDevice, connected_devices, time_on_device

REAL_BENCHMARKER = perf_utils.MLModelBenchmarker
LATENTS = {"z": np.zeros((1, 4, 16, 16), np.float32)}


class Phone(remote_device.Device):
    """A connected phone whose runner application is already there."""

    async def prepare_for_model_debugging(self, *arguments: Any, **options: Any) -> Any:
        bound = inspect.signature(remote_device.Device.prepare_for_model_debugging).bind(self, *arguments, **options)
        assert bound.arguments["credentials"].development_team == "TEAM"
        return self


class Benchmarker:
    """Fixed times, through the real class's signatures and measurements."""

    Measurement, Statistics = REAL_BENCHMARKER.Measurement, REAL_BENCHMARKER.Statistics

    def __init__(self, *arguments: Any, **options: Any) -> None:
        inspect.signature(REAL_BENCHMARKER.__init__).bind(self, *arguments, **options)

    async def benchmark_load(self, *arguments: Any, **options: Any) -> Any:
        inspect.signature(REAL_BENCHMARKER.benchmark_load).bind(self, *arguments, **options)
        return REAL_BENCHMARKER.Measurement.from_samples([120.0])

    async def benchmark_predict(self, *arguments: Any, **options: Any) -> Any:
        bound = inspect.signature(REAL_BENCHMARKER.benchmark_predict).bind(self, *arguments, **options)
        assert bound.arguments["warmup"] is True
        return REAL_BENCHMARKER.Measurement.from_samples([10.0 + each for each in range(bound.arguments["iterations"])])


def phone() -> Phone:
    state, kind = remote_device.DeviceState.CONNECTED, remote_device.DeviceType.IPHONE
    fields = {"name": "A phone", "type": kind, "state": state, "session": None, "os_version": "18.1"}
    others = dict.fromkeys(("identifier", "udid", "os_build_number", "developer_mode_state"), "x")
    return Phone(**fields, **others)


@pytest.fixture(scope="module")
def decoder(decoder: PackageRecord) -> Path:
    """Where the shared package lies."""
    return decoder.path


def test_connected_phones_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_device.Device, "get_devices", staticmethod(lambda: [phone()]))
    (found,) = connected_devices()
    assert (found.name, found.kind, found.os_version) == ("A phone", "iphone", "18.1")


@pytest.mark.skipif(sys.platform == "darwin", reason="this machine may have devices")
def test_without_xcode_there_is_one_clear_error() -> None:
    with pytest.raises(RuntimeUnavailable, match="cannot be listed"):
        connected_devices()


@pytest.mark.usefixtures("backend")
def test_times_come_from_the_device(decoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perf_utils, "MLModelBenchmarker", Benchmarker)
    device = RemoteDevice("A phone", "iphone", "18.1", "x", phone())
    options = {"compute_unit": "CPU_AND_NE", "development_team": "TEAM"}
    timing = time_on_device(decoder, "vae_decoder", LATENTS, device, repetitions=3, **options)
    assert (timing.load_ms, timing.samples_ms, timing.median_ms) == (120.0, (10.0, 11.0, 12.0), 11.0)
    with pytest.raises(UsageError):
        time_on_device(decoder, "vae_decoder", LATENTS, device, repetitions=1, **options)
    with pytest.raises(ExecutionError, match="gave no times"):
        time_on_device(decoder, "vae_decoder", LATENTS, device, compute_unit="ALL", development_team="ANOTHER")
