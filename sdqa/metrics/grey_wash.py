"""Grey wash detector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.metrics.registry import Reading, metric, self_test

if TYPE_CHECKING:
    from sdqa.arrays import Pixels
    from sdqa.metrics.subject import Subject


def colourfulness(image: Pixels) -> float:
    """Hasler and Süsstrunk, "Measuring colourfulness in natural images", 2003; 0 for grey, about 100 for vivid."""
    import numpy as np

    red, green, blue = image.astype(np.float64).transpose(2, 0, 1)
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    deviation = np.hypot(red_green.std(), yellow_blue.std())
    mean = np.hypot(red_green.mean(), yellow_blue.mean())
    return float(deviation + 0.3 * mean)


@metric("grey_wash", unit="colourfulness", better="higher", valid=(0, 300))
def grey_wash(subject: Subject) -> Reading:
    """Colourfulness, for candidate and golden: a wrong scaling factor washes colours out."""
    return Reading(colourfulness(subject.candidate.image), colourfulness(subject.golden.image))


@self_test("grey_wash", "falls with the colours")
def _falls() -> bool | str:
    import numpy as np

    from sdqa.metrics import test_images as specimens

    image = specimens.drawn()[0].image.astype(np.float64)
    grey = image.mean(axis=2, keepdims=True)
    found = [colourfulness((grey + (image - grey) * keep).astype(np.uint8)) for keep in (1, 0.5, 0)]
    return (found[0] > found[1] > found[2] and found[2] < 1) or f"{found}"
