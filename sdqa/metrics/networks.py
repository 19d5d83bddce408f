"""The networks that metrics look through."""

from __future__ import annotations

from dataclasses import dataclass, field

from sdqa.metrics.clip_space import ClipSpace
from sdqa.metrics.faces import Faces
from sdqa.metrics.perceptual import Perceptual


@dataclass
class Networks:
    """One of each kind; weights are read when the first metric asks for them."""

    clip: ClipSpace = field(repr=False)
    lpips: Perceptual = field(repr=False)
    face: Faces = field(repr=False)
