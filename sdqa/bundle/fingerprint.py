"""Fingerprints: what makes two lanes' figures comparable, and where they stop being so.

A picture's figures depend on teacher, metrics and schedule; a timing also depends on the machine, its system's build,
the compute unit and the versions that ran it. Timings are only ever compared within one fingerprint.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import Field, JsonValue

from sdqa.bundle.environment import environment
from sdqa.bundle.record import SparseRecord
from sdqa.store import digest_of

OTHER_TEACHER = "measured with another teacher"
"""What a verdict's reason says of limits that were; what sums up verdicts tells by it why they are provisional."""


class Mac(SparseRecord):
    """The Mac that Core ML ran on, as Core ML and the system describe it."""

    chip: str = ""
    os_version: str = ""
    os_build: str = ""
    virtual: bool = False  # as hosted runners are
    devices: tuple[str, ...] = ()  # kinds of compute devices, sorted
    neural_engine_cores: int = 0  # 0 without one


class Fingerprint(SparseRecord):
    """What makes two figures of a lane comparable. Without any field: the lane measured nothing."""

    teacher: str = ""  # digest of the model
    metrics: str = ""  # digest of every metric's identity
    runtime: str = ""
    compute_unit: str = ""
    versions: dict[str, str] = Field(default_factory=dict)  # library → installed version
    system: str = ""
    os_build: str = ""
    machine: str = ""  # architecture
    processor: str = ""
    cores: int | None = None
    mac: Mac | str | None = None  # text: why it could not be described; None: Core ML did not run

    def digest(self) -> str:
        """Its identity, as measurements carry it."""
        return digest_of(self.to_json())


def fingerprint(teacher: str, metrics: Mapping[str, JsonValue], runtime: str, compute_unit: str) -> Fingerprint:
    """The fingerprint of a lane on this machine.

    Args:
        teacher: digest of the model.
        metrics: identity of every metric.
    """
    here = environment()
    return Fingerprint(
        teacher=teacher,
        metrics=digest_of(metrics),
        runtime=runtime,
        compute_unit=compute_unit,
        versions=here.versions,
        system=here.system,
        os_build=here.os_build,
        machine=here.machine,
        processor=here.processor,
        cores=here.cores,
    )


def differences(a: Fingerprint, b: Fingerprint, *, ignore: Iterable[str] = ()) -> list[str]:
    """Where two fingerprints differ, as `versions.torch: 2.12 → 2.13`; empty when they are the same.

    Args:
        ignore: fields that do not matter.
    """
    left_out = set(ignore)
    return _differences(a.to_json(exclude=left_out), b.to_json(exclude=left_out))


def _differences(a: Mapping[str, JsonValue], b: Mapping[str, JsonValue]) -> list[str]:
    found: list[str] = []
    for key in sorted(set(a) | set(b)):
        old, new = a.get(key), b.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            found.extend(f"{key}.{line}" for line in _differences(old, new))
        elif old != new:
            found.append(f"{key}: {_short(old)} → {_short(new)}")
    return found


def _short(value: JsonValue) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
