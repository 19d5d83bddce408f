"""The embedded model: a small, real Stable Diffusion pipeline, and what was trained beside it on the same drawings.

Everything here is a folder that ships with the package, so a path is a path wherever the package is installed,
read-only places included. Nothing heavy is imported before it is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdqa.embedded.clip import OpenClip

WEIGHTS = Path(__file__).resolve().parent / "weights"

PIPELINE = WEIGHTS / "pipeline"
"""A `StableDiffusionPipeline` in diffusers format: 64 px images, 4×16×16 latents, fp16 safetensors."""

OPEN_CLIP = WEIGHTS / "open_clip"
"""An open_clip model for `local-dir:`, with its tokenizer: 64 px images, 128-wide embeddings."""

ATTRIBUTES = WEIGHTS / "attributes"
"""The attribute classifier (`sdqa.embedded.attributes`) that judges what the pipeline drew."""


def load_open_clip() -> OpenClip:
    """The embedded open_clip model in fp32, with preprocessing facts and tokenizer; needs no network."""
    from sdqa.embedded import clip

    return clip.load(OPEN_CLIP)


__all__ = ["ATTRIBUTES", "OPEN_CLIP", "PIPELINE", "WEIGHTS", "load_open_clip"]
