"""The noise that a golden records: drawn once, by a generator that is the same on every platform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Noise:
    """Everything random in one generation; float32, each of shape (C, h, w)."""

    initial: npt.NDArray[np.float32]
    posterior: npt.NDArray[np.float32]

    @staticmethod
    def draw(seed: int, shape: tuple[int, int, int]) -> Noise:
        """Standard normal noise from numpy's Philox, counter-based and identical across platforms."""
        generator = np.random.Generator(np.random.Philox(seed))
        drawn: npt.NDArray[Any] = generator.standard_normal((2, *shape), dtype=np.float64)
        return Noise(drawn[0].astype(np.float32), drawn[1].astype(np.float32))
