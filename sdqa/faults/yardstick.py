"""Would a person see it? FLIP says, which no check of the gate uses: the yardstick of the campaigns.

FLIP (Andersson, Nilsson, Akenine-Möller, Oskarsson, Åström and Fairchild, "FLIP: A Difference Evaluator for Alternating
Images", Proc. ACM Comput. Graph. Interact. Tech. 3(2), 2020, doi:10.1145/3406183) models how large a difference seems
to somebody who flips between two pictures, pixel by pixel: 0 is none, 1 the largest. It is computed by its authors'
package `flip-evaluator`, at their viewing conditions of 67 pixels a degree (0.7 m from a screen of 3840 pixels on
0.7 m).

A figure here is the largest of the mean over the whole picture, which the authors recommend, and the means over tiles
of an eighth of each side that overlap by half: what spoils one eye is not diluted by the rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sdqa.arrays import Pixels
from sdqa.bundle.sensitivity import Yardstick
from sdqa.errors import FaultError
from sdqa.metrics.tile_psnr import tiles

PIXELS_PER_DEGREE = 67.02
"""The conditions that FLIP's authors state: 0.7 m from a screen that is 0.7 m and 3840 pixels wide."""
VISIBLE = 0.103
"""FLIP of two even fields that differ by 2.3 in CIELAB lightness, the just noticeable difference that Mahy, Van Eycken
and Oosterlinck measured (Color Research and Application 19(2), 1994). For orientation: wgpu's rendering tests begin
with limits between 0.01 and 0.1."""
YARDSTICK = Yardstick(
    name="FLIP",
    package="flip-evaluator 1.7",
    threshold=VISIBLE,
    definition="largest of the whole picture's mean and the worst tile's mean, 67 pixels a degree",
    source="an even step of 2.3 in CIELAB lightness, just noticeable (Mahy, Van Eycken, Oosterlinck 1994)",
)


def difference(reference: Pixels, tested: Pixels) -> float:
    """How large the difference of two pictures seems, 0 to 1.

    Args:
        reference: (H, W, 3), 8 bits, sRGB; `tested` too. Another shape is the largest difference.

    Raises:
        FaultError: FLIP is not installed.
    """
    if reference.shape != tested.shape:
        return 1.0
    if np.array_equal(reference, tested):
        return 0.0
    found = error_map(_unit(reference), _unit(tested))
    worst = max(float(found[tile].mean()) for tile in tiles(*found.shape))
    return max(float(found.mean()), worst)


def error_map(reference: npt.NDArray[np.float32], tested: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """FLIP of each pixel, (H, W).

    Args:
        reference: (H, W, 3), sRGB in [0, 1]; `tested` too.

    Raises:
        FaultError: FLIP is not installed.
    """
    pair = (np.ascontiguousarray(one, dtype=np.float32) for one in (reference, tested))
    conditions = {"ppd": PIXELS_PER_DEGREE}
    found, _, _ = _flip().evaluate(*pair, "LDR", applyMagma=False, computeMeanError=False, parameters=conditions)
    return np.asarray(found, dtype=np.float32).reshape(reference.shape[:2])


def _unit(picture: Pixels) -> npt.NDArray[np.float32]:
    return np.asarray(picture, dtype=np.float32) / np.float32(255)


def demand() -> None:
    """Find out before anything runs whether there is a yardstick.

    Raises:
        FaultError: FLIP is not installed.
    """
    _flip()


def _flip() -> Any:
    try:
        import flip_evaluator
    except ImportError as error:
        what = "what is visible is decided by FLIP, which is not installed"
        raise FaultError(what, hint="pip install 'sdqa[yardstick]'") from error
    return flip_evaluator
