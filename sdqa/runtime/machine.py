"""The machine that a figure was measured on; of a Mac its chip, system, compute devices, and memory as it counts it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdqa.errors import RuntimeUnavailable

COMPUTE_UNITS = ("CPU_ONLY", "CPU_AND_GPU", "CPU_AND_NE", "ALL")
"""What Core ML may be told to use, by its own names."""
_RUSAGE_V4_FIELDS = 35
_PHYS_FOOTPRINT, _LIFETIME_MAX_PHYS_FOOTPRINT = 7, 28
"""Positions among the 64-bit fields of <sys/resource.h>'s rusage_info_v4, after its UUID."""


@dataclass(frozen=True)
class Machine:
    """What makes latencies comparable."""

    chip: str
    os_version: str
    os_build: str
    virtual: bool
    """A virtual machine, as hosted runners are; most have no Neural Engine."""
    devices: tuple[str, ...]
    """Kinds of compute devices that Core ML names, sorted."""
    neural_engine_cores: int
    """0 without one."""


def describe_machine() -> Machine:
    """This Mac.

    Raises:
        RuntimeUnavailable: this is no Mac, or coremltools cannot ask it.
    """
    import platform

    if platform.system() != "Darwin":
        raise RuntimeUnavailable("this is no Mac", where=platform.system())
    from coremltools.models.compute_device import MLComputeDevice

    return assemble(
        MLComputeDevice.get_all_compute_devices(),
        chip=_sysctl("machdep.cpu.brand_string"),
        build=_sysctl("kern.osversion"),
        virtual=is_virtual(),
    )


def is_virtual() -> bool:
    """Whether this is a virtual machine, as far as it admits it: a Mac by sysctl, Linux by the processor's flags."""
    import platform

    if platform.system() == "Darwin":
        return _sysctl("kern.hv_vmm_present") == "1"
    path = Path("/proc/cpuinfo")
    lines = path.read_text("utf-8", errors="replace").splitlines() if path.is_file() else []
    return any(line.startswith("flags") and "hypervisor" in line.split() for line in lines)


def assemble(devices: list[Any], *, chip: str, build: str, virtual: bool) -> Machine:
    """A machine from coremltools' device objects and what the system says."""
    import platform

    engines = [device for device in devices if type(device).__name__ == "MLNeuralEngineComputeDevice"]
    return Machine(
        chip=chip,
        os_version=platform.mac_ver()[0],
        os_build=build,
        virtual=virtual,
        devices=tuple(sorted(type(device).__name__ for device in devices)),
        neural_engine_cores=sum(int(engine.total_core_count) for engine in engines),
    )


def _sysctl(name: str) -> str:
    import subprocess

    result = subprocess.run(["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, check=False)
    return result.stdout.strip()


def physical_footprint() -> tuple[int, int]:
    """Memory that the system charges this process with, now and at its peak, in bytes.

    This is what iOS and macOS kill by: unlike the resident set it counts compressed pages, and leaves out clean pages
    of mapped files.

    Raises:
        RuntimeUnavailable: this is no Mac.
    """
    import ctypes
    import platform

    if platform.system() != "Darwin":
        raise RuntimeUnavailable("there is no phys_footprint here", where=platform.system())
    library = ctypes.CDLL("/usr/lib/libproc.dylib", use_errno=True)
    buffer = (ctypes.c_uint64 * (2 + _RUSAGE_V4_FIELDS))()
    if library.proc_pid_rusage(os.getpid(), 4, ctypes.byref(buffer)) != 0:
        raise RuntimeUnavailable(f"proc_pid_rusage failed with errno {ctypes.get_errno()}")
    return read_footprint(list(buffer))


def read_footprint(fields: list[int]) -> tuple[int, int]:
    """Footprint now and its lifetime maximum, from a rusage_info_v4 as 64-bit words (two of them its UUID)."""
    return fields[2 + _PHYS_FOOTPRINT], fields[2 + _LIFETIME_MAX_PHYS_FOOTPRINT]
