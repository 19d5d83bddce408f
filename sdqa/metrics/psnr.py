"""Peak signal-to-noise ratio of image against golden."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdqa.metrics.registry import Reading, metric, self_test

if TYPE_CHECKING:
    import numpy.typing as npt

    from sdqa.metrics.subject import Subject

CEILING = 100.0
"""dB: what identical images score. One grey level in one value of 64x64 images already brings 89 dB."""

RUINED = 6.0
"""dB: no golden is safe from it. Every 8-bit value can be off by 128 grey levels or more, in one direction: 5.98 dB."""


def signal_to_noise(
    reference: npt.NDArray[Any], tested: npt.NDArray[Any], *, peak: float | None = None, ceiling: float = CEILING
) -> float:
    """PSNR in dB: 20 log10(peak / rms error), over all elements.

    Args:
        reference, tested: any shape, the same for both; any dtype, compared in float64.
        peak: the signal's peak; the largest magnitude of the *reference* when None, because one taken from the tested
            array would be inflated by a single spike.
        ceiling: dB for identical arrays, and the most that is returned.

    Returns:
        NaN when either array holds a value that is not finite.

    Raises:
        ValueError: the shapes differ.
    """
    import numpy as np

    if reference.shape != tested.shape:
        raise ValueError(f"shapes differ: {reference.shape} and {tested.shape}")
    x, y = reference.astype(np.float64), tested.astype(np.float64)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return float("nan")
    mean_square = float(np.mean((x - y) ** 2))
    top = float(np.abs(x).max()) if peak is None else peak
    if mean_square == 0:
        return ceiling
    if top == 0:
        return 0.0
    return float(min(ceiling, 10 * np.log10(top**2 / mean_square)))


@metric(
    "psnr",
    unit="dB",
    better="higher",
    valid=(0, CEILING),
    attainable=RUINED,
    peak=255,
    ceiling=CEILING,
    compares=True,
)
def psnr(subject: Subject) -> Reading:
    """PSNR of the candidate's image against the golden's, peak 255, in float64."""
    return Reading(signal_to_noise(subject.golden.image, subject.candidate.image, peak=255))


@self_test("psnr", "uint8 does not wrap")
def _no_wrap() -> bool | str:
    import numpy as np

    low, high = np.full((8, 8, 3), 1, np.uint8), np.full((8, 8, 3), 255, np.uint8)
    found = signal_to_noise(low, high, peak=255), signal_to_noise(high, low, peak=255)
    return (abs(found[0] - 0.03413) < 1e-4 and found[0] == found[1]) or f"{found}"


@self_test("psnr", "a spike does not inflate")
def _no_inflation() -> bool | str:
    import numpy as np

    reference = np.linspace(-1, 1, 4096).reshape(64, 64)
    noisy = reference + 0.1 * np.sin(np.arange(4096.0)).reshape(64, 64)
    spiked = noisy.copy()
    spiked[0, 0] = 1000.0
    plain, spoilt = signal_to_noise(reference, noisy), signal_to_noise(reference, spiked)
    return spoilt < plain or f"{plain:.2f} dB became {spoilt:.2f} dB"


@self_test("psnr", "NaN is not a pass")
def _nan() -> bool | str:
    import numpy as np

    spoilt = np.ones((8, 8))
    spoilt[0, 0] = np.nan
    found = signal_to_noise(np.ones((8, 8)), spoilt)
    return bool(np.isnan(found)) or f"{found}"


@self_test("psnr", "the batch axis does not divide")
def _batch() -> bool | str:
    import numpy as np

    reference = np.linspace(-1, 1, 4096).reshape(64, 64)
    noisy = reference + 0.01
    one, many = signal_to_noise(reference, noisy), signal_to_noise(np.stack([reference] * 4), np.stack([noisy] * 4))
    return (abs(one - 40) < 1e-6 and abs(one - many) < 1e-9) or f"{one:.2f} dB, {many:.2f} dB in a batch of 4"
