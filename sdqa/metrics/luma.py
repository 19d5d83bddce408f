"""Brightness, as the detectors see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from sdqa.arrays import Pixels


def luma(image: Pixels) -> npt.NDArray[np.float64]:
    """(H, W) brightness in grey levels, ITU-R BT.601 weights."""
    import numpy as np

    brightness: npt.NDArray[np.float64] = image.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    return brightness
