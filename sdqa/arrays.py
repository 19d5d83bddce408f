"""Arrays by name, for signatures; whoever must not load numpy imports them for type checkers only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""A picture, (H, W, 3)."""
Floats = npt.NDArray[np.float32]
