"""The teacher: the PyTorch fp32 pipeline that a conversion is held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdqa.errors import ModelError
from sdqa.families import Family


@dataclass(frozen=True)
class Facts:
    """What the configurations say, without loading a weight. Sizes are in pixels unless they say otherwise."""

    latent_channels: int
    vae_factor: int
    """Image pixels per latent pixel, along one side."""
    sample_size: int
    """Side of the square latents, in latent pixels."""
    sequence_length: int
    """Tokens in a prompt, padding included."""
    text_width: int
    """Channels of `encoder_hidden_states`."""
    hidden_sizes: tuple[int, ...]
    """Width of each text encoder's hidden states, in order."""
    pooled_sizes: tuple[int, ...]
    """Width of each text encoder's pooled output, in order."""
    vocabulary: int
    scaling_factor: float
    prediction_type: str
    image_channels: int = 3
    time_ids: int = 0
    """Numbers of SDXL's size conditioning for each image; 0 without added conditioning."""

    @property
    def image_size(self) -> int:
        """Side of the square image."""
        return self.sample_size * self.vae_factor


@dataclass(frozen=True)
class Teacher:
    """A pipeline in fp32, loaded part by part when a part is first used, once a process."""

    source: str
    family: Family
    digest: str
    """sha256 over the sorted digests of weights and configurations; where weights are random, of what draws them."""
    folder: Path | None
    """A diffusers folder, or None where the weights exist only in memory."""
    facts: Facts
    parameters: Mapping[str, int] = field(compare=False)
    """Parameters of each component; for planning (process or not, how much memory)."""
    loader: Callable[[str], Any] = field(repr=False, compare=False)
    """Loads one part: a torch module in fp32 and eval mode, a tokenizer, or a scheduler."""
    outliner: Callable[[str], Any] | None = field(default=None, repr=False, compare=False)
    """Loads one part without its weights; None where weights cost no more than a configuration."""

    @property
    def components(self) -> tuple[str, ...]:
        """Names of its components, in flow order."""
        return self.family.component_names

    def part(self, name: str) -> Any:
        """One part of the pipeline.

        Raises:
            ModelError: the family has no such part, or its files cannot be loaded completely.
        """
        names = self.family.part_names
        if name not in names:
            raise ModelError(f"this teacher has no part {name!r}", where=self.source, hint="parts: " + ", ".join(names))
        key = (self.source, self.digest, name)
        if key not in _LOADED:
            _LOADED[key] = self.loader(name)
        return _LOADED[key]

    def outline(self, name: str) -> Any:
        """A part whose `.config` can be asked for, and perhaps nothing else: weights are not read for it.

        Raises:
            ModelError: as `part`.
        """
        loaded = (self.source, self.digest, name) in _LOADED
        known = name in self.family.part_names
        return self.outliner(name) if self.outliner and known and not loaded else self.part(name)

    def outlines(self) -> dict[str, Any]:
        """All parts by their diffusers names, without weights where these need not be read."""
        return {name: self.outline(name) for name in self.family.part_names}

    def pipeline_parts(self) -> dict[str, Any]:
        """All parts by their diffusers names; torch modules are fp32, in eval mode, without gradients."""
        return {name: self.part(name) for name in self.family.part_names}

    def release(self) -> None:
        """Forget the loaded parts, so that their memory can be used for something else."""
        for key in [key for key in _LOADED if key[:2] == (self.source, self.digest)]:
            del _LOADED[key]

    def release_others(self) -> None:
        """Forget what other teachers have loaded: from one lane to the next, one model's weights are enough."""
        for key in [key for key in _LOADED if key[:2] != (self.source, self.digest)]:
            del _LOADED[key]


_LOADED: dict[tuple[str, str, str], Any] = {}
