"""Runs a component's `.aimodel` with Core AI's own runtime, on the processor, in a process of its own.

The runtime is a pre-release that can abort its process, so it never shares ours (`sdqa.runtime.served`).
"""

from __future__ import annotations

import importlib.util
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdqa.errors import ExecutionError, InputError, RuntimeUnavailable
from sdqa.runtime.asset import open_asset
from sdqa.runtime.protocol import Arrays
from sdqa.runtime.served import Served, pack

LOAD_S = 900.0
RUN_S = 900.0
"""Time-outs. A U-Net of the embedded size loads in 1 s and runs in 0.6 s; both grow with the model."""
WHEELS = {"linux": ("x86_64",), "darwin": ("arm64",)}
"""Processors that coreai-core 1.0.0b3 is published for (manylinux 2.34, macOS 26)."""
LIBRARIES = ("coreai-core",)


def reason_without(system: str) -> str:
    """Why Core AI cannot run on a platform, as `sys.platform` names it; empty when it can."""
    if system not in WHEELS:
        return f"coreai-core is not published for {system}"
    if platform.machine() not in WHEELS[system]:
        return f"coreai-core is not published for {platform.machine()}"
    if any(importlib.util.find_spec(name) is None for name in ("coreai", "coreai_torch")):
        return "Core AI is not installed: pip install 'sdqa[coreai]'"
    return ""


def require_coreai() -> None:
    """Be sure that Core AI can be imported.

    Raises:
        RuntimeUnavailable: it cannot.
    """
    import sys

    reason = reason_without(sys.platform)
    if reason:
        hint = "run this lane where Core AI is installed, or drop it from the suite"
        raise RuntimeUnavailable("there is no Core AI here", where=reason, hint=hint)


class CoreAIRunner:
    """One component's asset, loaded once.

    Args:
        component: what the asset holds.
        asset: an `.aimodel` folder.

    Raises:
        RuntimeUnavailable: Core AI is not installed.
        PackageError: the asset is damaged.
        ExecutionError: Core AI refuses to load it, dies of it, or takes too long.
    """

    def __init__(self, component: str, asset: Path, *, load_s: float = LOAD_S, run_s: float = RUN_S) -> None:
        require_coreai()
        opened = open_asset(asset)
        self.component = component
        self.compute_unit = "CPU_ONLY"
        self._run_s = run_s
        started = time.perf_counter()
        self._served = Served("sdqa.runtime.coreai_worker", str(opened.path.resolve()), where=f"{component}, Core AI")
        facts = self._served.facts(timeout_s=load_s)
        self.load_s = time.perf_counter() - started
        """Seconds to start the process and to compile and load the asset."""
        self._dtypes = {each["name"]: each["dtype"] for each in facts["inputs"]}
        self._shapes = {each["name"]: tuple(each["shape"]) for each in facts["inputs"]}

    def run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """One forward pass; see `Runner.run`."""
        return self._served.ask(pack(self._as_declared(inputs)), timeout_s=self._run_s)

    def _as_declared(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        missing = [name for name in self._dtypes if name not in inputs]
        if missing:
            raise InputError(f"missing inputs: {', '.join(missing)}", where=self.component)
        found = {}
        for name, dtype in self._dtypes.items():
            value, shape = np.asarray(inputs[name]), self._shapes[name]
            fits = value.ndim == len(shape) and all(
                declared in (None, size) for size, declared in zip(value.shape, shape, strict=True)
            )
            if not fits:
                raise InputError(f"{name} is {value.shape}, the asset takes {shape}", where=self.component)
            try:
                found[name] = value.astype(np.dtype(dtype), copy=False)
            except TypeError as error:
                raise ExecutionError(f"{name} is {dtype}, which numpy does not know", where=self.component) from error
        return found

    def close(self) -> None:
        """End the process; without, it ends with the runner."""
        self._served.close()
