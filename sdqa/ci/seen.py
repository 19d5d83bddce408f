"""What was seen of the pictures and latents that bundles brought: their words about them prove nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Pair = tuple[str, str]


@dataclass(frozen=True)
class Seen:
    """What was seen of the pictures and latents; they themselves are not kept."""

    digests: Mapping[str, str] = field(default_factory=dict)
    """sha256 of a blob → digest of the pixels or latents in it, as goldens record them."""
    psnr: Mapping[Pair, float] = field(default_factory=dict)
    """sha256 of a candidate and its golden → what the metric reads of them in dB; NaN where their sizes differ."""
    latent_psnr: Mapping[Pair, float] = field(default_factory=dict)
    """sha256 of a sample's latents, and the recorded digest of the golden's → the same of them."""
    baseline_psnr: Mapping[Pair, float] = field(default_factory=dict)
    """sha256 of a candidate, and what the lane's baseline says as a digest → the same of it and the approved one."""


def together(parts: Iterable[Seen]) -> Seen:
    """What was seen of several bundles."""
    found = tuple(parts)
    return Seen(
        {sha256: digest for one in found for sha256, digest in one.digests.items()},
        {pair: figure for one in found for pair, figure in one.psnr.items()},
        {pair: figure for one in found for pair, figure in one.latent_psnr.items()},
        {pair: figure for one in found for pair, figure in one.baseline_psnr.items()},
    )
