"""What makes two executions the same: part of the key of everything that was executed."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sdqa.bundle.environment import environment
from sdqa.runtime.machine import describe_machine, is_virtual


@dataclass(frozen=True)
class ExecutionIdentity:
    """Two executions that agree in all of this give the same numbers; where they differ, nobody promises it."""

    runtime: str
    compute_unit: str
    architecture: str  # of the processor, such as arm64
    processor: str  # its name, as the system tells it
    os_build: str
    devices: tuple[str, ...]  # kinds of compute devices, sorted
    virtual: bool  # a virtual machine, as far as it admits it
    threads: int
    versions: tuple[tuple[str, str], ...]  # library and version, of those that execute
    code: str  # digest of the plugin that the runtime comes from; empty for sdqa's own

    def facts(self) -> dict[str, Any]:
        """As plain values, for a key of the store."""
        plain = asdict(self)
        return {**plain, "devices": list(self.devices), "versions": dict(self.versions)}


def identify(
    runtime: str, compute_unit: str, *, threads: int, libraries: Iterable[str], code: str, on_device: bool
) -> ExecutionIdentity:
    """The identity of an execution here.

    Args:
        libraries: distributions whose versions decide what is computed.
        on_device: whether the runtime chooses among this machine's compute devices, which are asked for then.
    """
    here = environment()
    devices: tuple[str, ...] = ("cpu",)
    virtual, build, processor = is_virtual(), here.os_build, here.processor
    if on_device and here.system == "Darwin":
        machine = describe_machine()
        devices, virtual, build, processor = machine.devices, machine.virtual, machine.os_build, machine.chip
    return ExecutionIdentity(
        runtime=runtime,
        compute_unit=compute_unit,
        architecture=here.machine,
        processor=processor,
        os_build=build,
        devices=devices,
        virtual=virtual,
        threads=threads,
        versions=tuple(sorted((name, _version(name)) for name in libraries)),
        code=code,
    )


@functools.cache
def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
