"""Which networks the metrics look through, and what that makes of their figures' identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sdqa.metrics.clip_space import EMBEDDED, ClipSpace
from sdqa.metrics.faces import Faces
from sdqa.metrics.networks import Networks
from sdqa.metrics.perceptual import Perceptual
from sdqa.metrics.registry import METRICS, NETWORKS, Metric, find
from sdqa.store import digest_of


@dataclass
class MetricModels(Networks):
    """Which networks are used: part of every figure's identity.

    Args:
        clip_spec: `embedded:tiny`, or open_clip's `MODEL/PRETRAINED`.
        lpips_spec: `stlpips:alex`, `stlpips:vgg`, `lpips:alex` or `lpips:vgg`.
    """

    clip_spec: str
    lpips_spec: str

    def __init__(self, clip: str = EMBEDDED, lpips: str = "stlpips:alex") -> None:
        self.clip_spec, self.lpips_spec = clip, lpips
        super().__init__(ClipSpace(clip), Perceptual(lpips), Faces())

    def identity(self, names: tuple[str, ...] | None = None) -> dict[str, dict[str, Any]]:
        """Metric → what makes its figures comparable: unit, direction, range, constants, network and weights.

        Args:
            names: metrics; all but those that are measured on request when None.
        """
        usual = (name for name, known in METRICS.items() if not known.on_request)
        chosen = sorted(usual if names is None else names)
        return {name: self._identity_of(find(name)) for name in chosen}

    def fingerprint(self, name: str, size: tuple[int, ...]) -> str:
        """Digest of a metric's identity and the (height, width) it was measured at."""
        return digest_of([self._identity_of(find(name)), list(size)])

    def _identity_of(self, metric: Metric) -> dict[str, Any]:
        low, high = (None if abs(bound) == float("inf") else bound for bound in metric.valid)
        found: dict[str, Any] = {"unit": metric.unit, "better": metric.better, "range": [low, high], **metric.facts}
        if metric.code:
            found["plugin"] = metric.code
        networks: dict[str, ClipSpace | Perceptual | Faces] = {
            "clip": self.clip,
            "lpips": self.lpips,
            "face": self.face,
        }
        for need in sorted(metric.needs & NETWORKS):
            found[need] = networks[need].identity()
        return found
