"""What a figure depends on besides the models: machine, operating system and library versions."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
from collections.abc import Mapping
from typing import Any

from sdqa.plugins import plugin_identities
from sdqa.store import digest_of

LIBRARIES = ("coremltools", "diffusers", "lpips", "numpy", "open_clip_torch", "torch", "transformers")


@functools.cache
def _versions() -> tuple[tuple[str, str], ...]:
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


def environment() -> dict[str, Any]:
    """Machine and versions, as they are written into a bundle."""
    plugins = plugin_identities()
    return {
        "system": platform.system(),
        "release": platform.release(),
        "os_build": platform.version(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "python": platform.python_version(),
        "versions": versions(),
        **({"plugins": plugins} if plugins else {}),
    }


def fingerprint(teacher: str, metrics: Mapping[str, Any], runtime: str, compute_unit: str) -> dict[str, Any]:
    """What makes two figures of a lane comparable.

    Args:
        teacher: digest of the model.
        metrics: identity of every metric.
    """
    here = environment()
    machine = {name: here[name] for name in ("system", "os_build", "machine", "processor", "cores")}
    return {
        "teacher": teacher,
        "metrics": digest_of(metrics),
        "runtime": runtime,
        "compute_unit": compute_unit,
        "versions": here["versions"],
        **machine,
    }


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
