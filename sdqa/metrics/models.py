"""The networks that metrics need, loaded when the first metric asks for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sdqa.metrics.clip_space import EMBEDDED, ClipSpace
from sdqa.metrics.perceptual import Perceptual
from sdqa.metrics.registry import METRICS, Metric, find
from sdqa.store import digest_of


@dataclass
class MetricModels:
    """Which networks are used: part of every figure's identity.

    Args:
        clip_spec: `embedded:tiny`, or open_clip's `MODEL/PRETRAINED`.
        lpips_spec: `stlpips:alex`, `stlpips:vgg`, `lpips:alex` or `lpips:vgg`.
        fetch: whether an ImageNet backbone may be downloaded.
    """

    clip_spec: str
    lpips_spec: str
    fetch: bool
    clip: ClipSpace = field(init=False, repr=False)
    lpips: Perceptual = field(init=False, repr=False)

    def __init__(self, clip: str = EMBEDDED, lpips: str = "stlpips:alex", *, fetch: bool = False) -> None:
        self.clip_spec, self.lpips_spec, self.fetch = clip, lpips, fetch
        self.clip = ClipSpace(clip)
        self.lpips = Perceptual(lpips, fetch)

    def identity(self, names: tuple[str, ...] | None = None) -> dict[str, dict[str, Any]]:
        """Metric → what makes its figures comparable: unit, direction, range, constants, network and weights."""
        chosen = sorted(METRICS) if names is None else sorted(names)
        return {name: self._identity_of(find(name)) for name in chosen}

    def fingerprint(self, name: str, size: tuple[int, ...]) -> str:
        """Digest of a metric's identity and the (height, width) it was measured at."""
        return digest_of([self._identity_of(find(name)), list(size)])

    def _identity_of(self, metric: Metric) -> dict[str, Any]:
        low, high = (None if abs(bound) == float("inf") else bound for bound in metric.valid)
        found: dict[str, Any] = {"unit": metric.unit, "better": metric.better, "range": [low, high], **metric.facts}
        for need in sorted(metric.needs & {"clip", "lpips"}):
            found[need] = (self.clip if need == "clip" else self.lpips).identity()
        return found
