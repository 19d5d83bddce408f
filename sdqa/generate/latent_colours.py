"""Latents as pictures without a decoder: the linear map from latent channels to colours that fits a finished picture.

The factors are no constants of a model: they are fitted, by least squares, to a golden's own picture (reduced to the
latents' size) from its final latents. So they hold for any autoencoder, whatever its channels; and teacher and
candidate of a case are drawn with the same ones. An autoencoder is nearly linear in its mean colours and not at all in
its detail: this shows where something is and which colour it has, not texture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RIDGE = 1e-3
"""Of a channel's variance, added to the diagonal: two channels that say the same must not blow up the map."""


@dataclass(frozen=True)
class LatentColours:
    """RGB in [0, 255] = factors · latent + offset."""

    factors: npt.NDArray[np.float64]  # (3, C)
    offset: npt.NDArray[np.float64]  # (3,)

    def draw(self, latents: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
        """Latents (C, h, w) as a picture (h, w, 3); what is not finite is black."""
        values = latents.astype(np.float64)
        known = np.isfinite(values).all(axis=0)
        colours = np.einsum("rc,chw->hwr", self.factors, np.where(known, values, 0.0)) + self.offset
        pixels: npt.NDArray[np.uint8] = np.rint(np.clip(colours, 0, 255)).astype(np.uint8)
        pixels[~known] = 0
        return pixels


def fit_colours(latents: npt.NDArray[np.float32], image: npt.NDArray[np.uint8]) -> LatentColours:
    """The map from a picture's final latents (C, h, w) to the picture (H, W, 3)."""
    from PIL import Image

    channels, height, width = latents.shape
    small = Image.fromarray(image).resize((width, height), Image.Resampling.BOX)
    target = np.asarray(small, dtype=np.float64).reshape(-1, 3)
    samples = latents.astype(np.float64).reshape(channels, -1).T
    mean, middle = samples.mean(axis=0), target.mean(axis=0)
    centred = samples - mean
    spread = centred.T @ centred
    spread += np.eye(channels) * (RIDGE * np.trace(spread) / channels or 1.0)
    factors = np.linalg.solve(spread, centred.T @ (target - middle)).T
    return LatentColours(factors, middle - factors @ mean)
