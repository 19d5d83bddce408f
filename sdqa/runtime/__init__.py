"""How a component is executed: by torch, by the reference runtime, or by Core ML on a Mac."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def __getattr__(name: str) -> object:
    """The recorder, imported when it is first asked for: it needs numpy, and a plan needs neither."""
    if name in ("Call", "Recorder"):
        from sdqa.runtime import recorder

        return getattr(recorder, name)
    raise AttributeError(name)
