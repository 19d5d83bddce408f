"""Pictures with known captions, for the metrics' self-tests: they cost a millisecond and need no file."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdqa.arrays import Pixels

SCENES = (
    "portrait/1?hair=red&background=blue&glasses=no",
    "portrait/2?hair=white&background=yellow&glasses=yes",
    "landscape/3?light=night",
    "landscape/4?light=day&snow=yes&trees=yes",
)


@dataclass(frozen=True)
class Specimen:
    """One picture."""

    image: Pixels  # (64, 64, 3)
    caption: str


@functools.cache
def drawn() -> tuple[Specimen, ...]:
    """Two portraits and two landscapes that nobody would confuse."""
    import numpy as np

    from sdqa.embedded import scenes

    found = [scenes.parse(name) for name in SCENES]
    return tuple(Specimen(np.asarray(scenes.draw(scene), dtype=np.uint8), scene.caption) for scene in found)


def blur(image: Pixels, radius: float) -> Pixels:
    """Gaussian blur, radius in pixels."""
    import numpy as np
    from PIL import Image, ImageFilter

    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)), dtype=np.uint8)
