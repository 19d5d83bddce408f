"""What a figure depends on besides the models: machine, operating system and library versions."""

from __future__ import annotations

import functools
import os
import platform

from pydantic import Field

from sdqa.bundle.record import SparseRecord
from sdqa.plugins import plugin_identities

LIBRARIES = ("coremltools", "diffusers", "lpips", "numpy", "open_clip_torch", "torch", "transformers")


class Environment(SparseRecord):
    """One machine, as far as it told."""

    system: str = ""
    release: str = ""
    os_build: str = ""
    machine: str = ""  # architecture
    processor: str = ""
    cores: int | None = None
    python: str = ""
    versions: dict[str, str] = Field(default_factory=dict)  # library → installed version
    plugins: dict[str, dict[str, str]] = Field(default_factory=dict)  # module → distribution, version and digest


@functools.cache
def _versions() -> tuple[tuple[str, str], ...]:
    import importlib.metadata

    found = []
    for name in LIBRARIES:
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return tuple(found)


def versions() -> dict[str, str]:
    """Library name → installed version, without importing any of them."""
    return dict(_versions())


def environment() -> Environment:
    """Machine and versions of this process, as they are written into a bundle."""
    found = Environment(
        system=platform.system(),
        release=platform.release(),
        os_build=platform.version(),
        machine=platform.machine(),
        processor=_processor(),
        cores=os.cpu_count() or 1,
        python=platform.python_version(),
        versions=versions(),
    )
    plugins = plugin_identities()
    return found.model_copy(update={"plugins": plugins}) if plugins else found


def _processor() -> str:
    """The chip's name, where the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            for line in stream:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
