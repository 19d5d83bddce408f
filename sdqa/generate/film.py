"""The latents on their way: what a generation looked like after a few of its steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SHARES = (0.0, 0.25, 0.5, 1.0)
"""Of the steps: the first, a quarter, the half, the last."""


@dataclass(frozen=True)
class LatentSteps:
    """Latents after some of a generation's steps, scaled as the U-Net sees them before any scaling of a scheduler."""

    steps: tuple[int, ...]  # counted from 1, ascending
    total: int  # steps of the generation
    latents: npt.NDArray[np.float32]  # (len(steps), C, h, w)


def recorded_steps(total: int) -> tuple[int, ...]:
    """Which steps of so many are kept, counted from 1: at most four, the first and the last always."""
    return tuple(sorted({max(1, -int(-share * total // 1)) for share in SHARES})) if total > 0 else ()


def relative_error(latents: npt.NDArray[np.float32], reference: npt.NDArray[np.float32]) -> float:
    """|latents - reference| / |reference|, over all elements, in double precision; NaN when anything is not finite."""
    gap = latents.astype(np.float64) - reference.astype(np.float64)
    size = float(np.linalg.norm(reference.astype(np.float64)))
    error = float(np.linalg.norm(gap))
    return error / size if size > 0 else (0.0 if error == 0 else float("nan"))
