"""What an edit leaves alone: where the teacher's own edit kept the source, the candidate has to keep it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.metrics.perceptual import fitted
from sdqa.metrics.registry import Reading, metric, self_test

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from sdqa.arrays import Pixels
    from sdqa.metrics.subject import Subject

KEPT = 16
"""Grey levels: a pixel that the teacher moved by no more, in its worst channel, is outside of the edit. An autoencoder
alone moves pixels by a few levels."""
SHARE = 0.1
"""At least this share of a picture is outside: where an edit touches everything, its least-changed tenth."""


@metric(
    "outside_edit",
    unit="grey levels",
    better="lower",
    valid=(0, 255),
    needs=["source"],
    on_request=True,
    kept=KEPT,
    share=SHARE,
)
def outside_edit(subject: Subject) -> Reading:
    """Mean distance to the source where the teacher's edit left it alone, for candidate and golden.

    A background that flickers, or a face that drifts while the hair is recoloured, is lost in the mean of a picture
    that is meant to change. Only measured when a suite asks for it by name.
    """
    assert subject.source is not None
    source = fitted(subject.source, subject.golden.image.shape[:2])
    outside = untouched(source, subject.golden.image)
    return Reading(residual(source, subject.candidate.image, outside), residual(source, subject.golden.image, outside))


def untouched(source: Pixels, golden: Pixels) -> npt.NDArray[np.bool_]:
    """Where the teacher left the source as it was, (H, W); a tenth of the picture at least."""
    import numpy as np

    change = np.abs(source.astype(np.int16) - golden.astype(np.int16)).max(-1)
    return np.asarray(change <= max(KEPT, float(np.quantile(change, SHARE))))


def residual(source: Pixels, picture: Pixels, outside: npt.NDArray[np.bool_]) -> float:
    """Mean absolute difference of the pixels outside of the edit, in grey levels."""
    import numpy as np

    return float(np.abs(source[outside].astype(np.float64) - picture[outside]).mean())


@self_test("outside_edit", "damage outside of the edit is seen, and within it is not")
def _where() -> bool | str:
    import numpy as np

    source = np.full((64, 64, 3), 128, np.uint8)
    golden = source.copy()
    golden[:16] = 255
    inside, beyond = golden.copy(), golden.copy()
    inside[:8], beyond[40:48] = 0, 0
    outside = untouched(source, golden)
    within, without = residual(source, inside, outside), residual(source, beyond, outside)
    return (within == 0 < without) or f"within {within:.2f}, outside {without:.2f} grey levels"


@self_test("outside_edit", "an edit of everything still has an outside")
def _everything() -> bool | str:
    import numpy as np

    source = np.zeros((64, 64, 3), np.uint8)
    share = float(untouched(source, np.full((64, 64, 3), 200, np.uint8)).mean())
    return share >= SHARE or f"{share:.1%} of the picture"
