"""An independent judge: a small convolutional network that reads a scene's attributes from its pixels.

It was trained on drawings only, never on what the pipeline draws, so it can tell what of a prompt the pipeline drew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from sdqa.embedded.captions import Attributes
from sdqa.embedded.vocabulary import HEADS, Value
from sdqa.errors import ModelError

FILE = "model.safetensors"
LAYERS = ((32, 5, 2), (48, 3, 2), (64, 3, 2), (96, 3, 1), (96, 3, 2))
"""Channels, kernel and stride of each convolution."""


class AttributeNet(nn.Module):
    """N×3×S×S images in [-1, 1] to one N×values logit tensor for each attribute of `vocabulary.HEADS`."""

    def __init__(self, size: int = 64) -> None:
        super().__init__()
        channels = [3, *(width for width, _, _ in LAYERS)]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, width, kernel, stride, kernel // 2)
            for before, (width, kernel, stride) in zip(channels, LAYERS, strict=False)
        )
        reduced = size // 16
        self.heads = nn.ModuleDict(
            {name: nn.Linear(channels[-1] * reduced * reduced, len(values)) for name, values in HEADS.items()}
        )

    def features(self, images: Tensor) -> list[Tensor]:
        """The activations after each convolution, finest first."""
        found, x = [], images
        for convolution in self.convolutions:
            x = torch.relu(convolution(x))
            found.append(x)
        return found

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        deepest = self.features(images)[-1].flatten(1)
        return {name: head(deepest) for name, head in self.heads.items()}

    @torch.no_grad()
    def read(self, images: Tensor) -> list[dict[str, Value]]:
        """The most probable value of every attribute, one record an image; those of the other kind mean nothing."""
        best = {name: logits.argmax(1).tolist() for name, logits in self(images).items()}
        return [{name: HEADS[name][best[name][i]] for name in HEADS} for i in range(len(images))]


def load(folder: Path) -> AttributeNet:
    """The classifier of a folder, in eval mode and fp32.

    Raises:
        ModelError: the weights are missing, damaged, or of another architecture.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / FILE
    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"the attribute classifier cannot be read: {error}", where=str(path)) from error
    kind = weights.get("heads.kind.weight")
    reduced = round((kind.shape[1] / LAYERS[-1][0]) ** 0.5) if kind is not None and kind.ndim == 2 else 1
    model = AttributeNet(size=16 * reduced)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise ModelError("the attribute classifier has another architecture", where=str(path)) from error
    return model.float().eval()


def labels(scenes: Sequence[Attributes]) -> dict[str, Tensor]:
    """Class indices (int64) for each head; -100, which cross-entropy ignores, where a kind has no such attribute."""
    return {
        name: torch.tensor([_index(values, attributes, name) for attributes in scenes])
        for name, values in HEADS.items()
    }


def _index(values: tuple[Value, ...], attributes: Attributes, name: str) -> int:
    return values.index(getattr(attributes, name)) if hasattr(attributes, name) else -100


def agreement(read: Sequence[Mapping[str, Value]], wanted: Sequence[Attributes]) -> dict[str, float]:
    """The share of images in which each attribute is the wanted one, over the images of the kind that has it."""
    hits: dict[str, list[bool]] = {}
    for found, attributes in zip(read, wanted, strict=True):
        for name in HEADS:
            if hasattr(attributes, name):
                hits.setdefault(name, []).append(found[name] == getattr(attributes, name))
    return {name: sum(values) / len(values) for name, values in hits.items()}
