"""Finite-ness: fatal before any comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.metrics.registry import Reading, metric, self_test
from sdqa.metrics.subject import Picture

if TYPE_CHECKING:
    from sdqa.metrics.subject import Subject


def finite_share(picture: Picture) -> float:
    """Share of finite values in latents and raw decoder output; 1 only when every single one is."""
    import numpy as np

    arrays = [picture.latents] if picture.decoded is None else [picture.latents, picture.decoded]
    good = sum(int(np.isfinite(array).sum()) for array in arrays)
    return good / sum(array.size for array in arrays)


@metric("finite", unit="", better="higher", valid=(0, 1))
def finite(subject: Subject) -> Reading:
    """Share of finite values in the final latents and the decoder's raw output; anything below 1 fails."""
    return Reading(finite_share(subject.candidate), golden=finite_share(subject.golden))


@self_test("finite", "a single NaN or Inf is seen")
def _single() -> bool | str:
    import numpy as np

    image, latents = np.zeros((8, 8, 3), np.uint8), np.zeros((4, 8, 8), np.float32)
    for bad in (np.nan, np.inf, -np.inf):
        decoded = np.zeros((3, 8, 8), np.float32)
        decoded[2, 7, 7] = bad
        if finite_share(Picture(image, decoded, latents)) >= 1:
            return f"{bad} was not seen"
    return finite_share(Picture(image, np.zeros((3, 8, 8), np.float32), latents)) == 1.0
