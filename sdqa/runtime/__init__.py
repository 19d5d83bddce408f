"""How a component is executed: by torch, by the reference runtime, or by Core ML on a Mac."""

from sdqa.runtime.protocol import Arrays, Runner
from sdqa.runtime.recorder import Call, Recorder
from sdqa.runtime.registry import RUNTIMES, Runtime, Work, find_runtime, on_device, runtime

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
