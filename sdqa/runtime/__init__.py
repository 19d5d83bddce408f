"""How a component is executed: by torch, by the reference runtime, or by Core ML on a Mac."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.lazy import offering
from sdqa.runtime.protocol import Arrays, Runner
from sdqa.runtime.registry import RUNTIMES, Runtime, Work, find_runtime, on_device, runtime

if TYPE_CHECKING:
    from sdqa.runtime.recorder import Call, Recorder

__all__ = [
    "RUNTIMES",
    "Arrays",
    "Call",
    "Recorder",
    "Runner",
    "Runtime",
    "Work",
    "find_runtime",
    "on_device",
    "runtime",
]

_LAZY = {"Call": "sdqa.runtime.recorder", "Recorder": "sdqa.runtime.recorder"}

__getattr__ = offering(__name__, _LAZY)
