"""How a component is executed: by torch, by the reference runtime, or by Core ML on a Mac."""

from sdqa.runtime.protocol import Arrays, Runner
from sdqa.runtime.recorder import Call, Recorder

__all__ = ["Arrays", "Call", "Recorder", "Runner"]
