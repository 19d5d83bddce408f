"""Structural similarity of image and golden."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdqa.metrics.registry import Reading, metric, self_test

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from sdqa.arrays import Pixels
    from sdqa.metrics.subject import Subject

SIGMA = 1.5
RADIUS = 5
"""Pixels: an 11x11 Gaussian window, as in the paper."""
K1, K2 = 0.01, 0.03


def similarity(reference: Pixels, tested: Pixels) -> float:
    """Mean SSIM over pixels and channels, 11x11 Gaussian window, population covariances, data range 255.

    Wang et al., "Image quality assessment: from error visibility to structural similarity", 2004.

    Args:
        reference, tested: uint8 (H, W, 3), at least 11 pixels a side.
    """
    import numpy as np

    x, y = reference.astype(np.float64), tested.astype(np.float64)
    mu_x, mu_y = _blur(x), _blur(y)
    var_x, var_y = _blur(x * x) - mu_x**2, _blur(y * y) - mu_y**2
    cov = _blur(x * y) - mu_x * mu_y
    c1, c2 = (K1 * 255) ** 2, (K2 * 255) ** 2
    top = (2 * mu_x * mu_y + c1) * (2 * cov + c2)
    bottom = (mu_x**2 + mu_y**2 + c1) * (var_x + var_y + c2)
    return float(np.mean(top / bottom))


def _blur(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Gaussian window over the first two axes, without padding."""
    import numpy as np

    weights = np.exp(-0.5 * (np.arange(-RADIUS, RADIUS + 1) / SIGMA) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        windows = np.lib.stride_tricks.sliding_window_view(x, 2 * RADIUS + 1, axis=axis)
        x = windows @ weights
    return x


@metric(
    "ssim", unit="", better="higher", valid=(-1, 1), sigma=SIGMA, window=2 * RADIUS + 1, data_range=255, compares=True
)
def ssim(subject: Subject) -> Reading:
    """Mean SSIM of the candidate's image against the golden's (Gaussian window, RGB)."""
    if min(subject.golden.image.shape[:2]) < 2 * RADIUS + 1:
        return Reading(None, reason=f"images below {2 * RADIUS + 1} px a side have no SSIM")
    return Reading(similarity(subject.golden.image, subject.candidate.image), golden=1.0)


@self_test("ssim", "falls with noise")
def _falls() -> bool | str:
    import numpy as np

    rng = np.random.default_rng(0)
    reference = np.repeat(np.repeat(rng.integers(0, 256, (8, 8, 3)), 4, 0), 4, 1).astype(np.uint8)
    noise = rng.normal(size=reference.shape)
    found = [similarity(reference, np.clip(reference + s * noise, 0, 255).astype(np.uint8)) for s in (0, 4, 16, 64)]
    return (found[0] == 1 and found == sorted(found, reverse=True)) or f"{found}"
