"""Cosine of the final latents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdqa.metrics.registry import Reading, metric, self_test

if TYPE_CHECKING:
    import numpy.typing as npt

    from sdqa.metrics.subject import Subject


def cosine(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    """Cosine of two arrays as flat vectors, in float64; NaN if either is zero or not finite."""
    import numpy as np

    x, y = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    length = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(np.clip(x @ y / length, -1, 1)) if length > 0 and np.isfinite(length) else float("nan")


@metric("latent_cosine", unit="", better="higher", valid=(-1, 1), compares=True)
def latent_cosine(subject: Subject) -> Reading:
    """Cosine of the final latents with the golden's."""
    return Reading(cosine(subject.candidate.latents, subject.golden.latents), golden=1.0)


@self_test("latent_cosine", "NaN and zero are not a pass")
def _bad() -> bool | str:
    import numpy as np

    good, zero = np.ones(8), np.zeros(8)
    found = cosine(good, np.full(8, np.nan)), cosine(good, zero)
    return bool(np.isnan(found).all()) or f"{found}"
