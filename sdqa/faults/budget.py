"""Figures that grow: slower, larger, hungrier. The pictures stay as they are."""

from __future__ import annotations

from collections.abc import Callable

from sdqa.bundle import Measurement, is_timing
from sdqa.faults.injection import Effect
from sdqa.faults.registry import fault


def _is_memory(measurement: Measurement) -> bool:
    return "memory" in measurement.metric or "peak" in measurement.metric


def _is_time(measurement: Measurement) -> bool:
    return is_timing(measurement.metric) and not _is_memory(measurement)


def _is_size(measurement: Measurement) -> bool:
    """Packages on disk, and the memory that the models take, which is their sum."""
    return measurement.metric in ("package_bytes", "model_memory_bytes")


def _figures(chosen: Callable[[Measurement], bool], change: Callable[[float], float]) -> Effect:
    def apply(measurement: Measurement) -> Measurement:
        if measurement.value is None or not chosen(measurement):
            return measurement
        samples = tuple(change(sample) for sample in measurement.samples)
        return measurement.model_copy(update={"value": change(measurement.value), "samples": samples})

    return Effect(figures=apply)


@fault("slow", component="budget", stage="budget", rows=(28,), severities={"mild": 1.5, "marked": 3.0, "severe": 100.0})
def slow(factor: float) -> Effect:
    """Everything takes longer by a factor: operations fell back to another compute unit."""
    return _figures(_is_time, lambda value: value * factor)


@fault(
    "stalled", component="budget", stage="budget", rows=(28,), severities={"mild": 5.0, "marked": 65.0, "severe": 600.0}
)
def stalled(seconds: float) -> Effect:
    """A generation takes so many seconds more: models are compiled or loaded anew for each picture."""

    def apply(measurement: Measurement) -> Measurement:
        if measurement.value is None or measurement.metric not in ("inference_s", "end_to_end_s"):
            return measurement
        return measurement.model_copy(update={"value": measurement.value + seconds})

    return Effect(figures=apply)


@fault(
    "memory-multiplied",
    component="budget",
    stage="budget",
    rows=(28,),
    severities={"mild": 1.5, "marked": 4.0, "severe": 1000.0},
)
def memory_multiplied(factor: float) -> Effect:
    """The models occupy a multiple of their memory: kept twice, or unpacked to fp32."""
    return _figures(_is_memory, lambda value: value * factor)


@fault(
    "memory-not-released",
    component="budget",
    stage="budget",
    rows=(28,),
    severities={"mild": 2e8, "marked": 2.2e9, "severe": 6e9},
)
def memory_not_released(extra: float) -> Effect:
    """Models are never unloaded: so many bytes more at the peak."""
    return _figures(_is_memory, lambda value: value + extra)


@fault(
    "package-too-large",
    component="budget",
    stage="budget",
    rows=(12, 28),
    severities={"mild": 1.2, "marked": 2.0, "severe": 1000.0},
)
def package_too_large(factor: float) -> Effect:
    """The packages on disk are larger by a factor: chunks were not quantised."""
    return _figures(_is_size, lambda value: value * factor)
