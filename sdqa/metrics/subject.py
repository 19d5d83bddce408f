"""What metrics look at: one case's candidate beside its golden, and the source and prompts that both started from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdqa.arrays import Floats, Pixels


@dataclass(frozen=True)
class Picture:
    """One generated image, with what it was decoded from."""

    image: Pixels  # (H, W, 3)
    decoded: Floats | None  # (3, H, W), the VAE's raw output, nominally in [-1, 1], before clipping
    latents: Floats  # (C, h, w), the final latents
    guidance: tuple[float, ...] = ()  # step by step, how far the prediction with the prompt is from the one without


@dataclass(frozen=True)
class Subject:
    """One case, ready to be scored."""

    case: str
    prompt: str
    source_prompt: str | None  # what the source shows; None when nobody said
    source: Pixels | None  # (H, W, 3); None for text-to-image
    candidate: Picture
    golden: Picture

    def offers(self) -> frozenset[str]:
        """What metrics may need of a subject and this one has."""
        guided = bool(self.golden.guidance)
        return offered(self.prompt, self.source_prompt, has_source=self.source is not None, guided=guided)


def offered(prompt: str, source_prompt: str | None, *, has_source: bool, guided: bool = False) -> frozenset[str]:
    """What a case offers to metrics: `source` for image-to-image, `source_prompt` when it says something else, and
    `guidance` where predictions with and without the prompt are mixed.

    A touch-up whose prompt is the source's own caption has no direction of editing.
    """
    found = frozenset({"guidance"} if guided else ())
    if not has_source:
        return found
    edits = source_prompt is not None and source_prompt.strip().lower() != prompt.strip().lower()
    return found | ({"source", "source_prompt"} if edits else {"source"})
