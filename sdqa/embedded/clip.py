"""open_clip models from a local folder, with no network and nothing written.

open_clip's `local-dir:` schema takes configuration, weights and tokenizer from one folder. `hf_tokenizer_name` in that
configuration only says *that* a Hugging Face tokenizer is used: its value is ignored in favour of the folder, so the
folder may lie anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdqa import compat
from sdqa.errors import ModelError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Preprocess:
    """What an image must become before `encode_image`."""

    size: int
    """Pixels a side."""
    mean: tuple[float, float, float]
    """Subtracted from RGB in [0, 1]."""
    std: tuple[float, float, float]
    """Divides the difference."""
    interpolation: str
    """Name of the resampling filter."""
    resize_mode: str
    """squash: the aspect ratio is not kept; nothing is cropped."""


@dataclass(frozen=True)
class OpenClip:
    """A model in eval mode, fp32, on the CPU."""

    model: Any
    """`encode_image(N×3×S×S)` and `encode_text(N×L)`, both to N×D, not normalised."""
    preprocess: Preprocess
    tokenizer: Callable[[Sequence[str]], torch.Tensor]
    """Texts to N×L token ids (int64)."""
    weights: Path
    """The safetensors file: its digest belongs to the metric's identity."""


def load(folder: Path) -> OpenClip:
    """Load an open_clip folder (`open_clip_config.json`, `open_clip_model.safetensors`, tokenizer).

    Raises:
        ModelError: a file is missing, is not what it should be, or the weights do not fit the configuration.
    """
    config, weights = folder / "open_clip_config.json", folder / "open_clip_model.safetensors"
    for path in (config, weights, folder / "tokenizer.json"):
        if not path.is_file():
            raise ModelError("a file of the open_clip model is missing", where=str(path), hint="reinstall sdqa")
    compat.prepare_hub()
    import open_clip
    import safetensors

    source = f"local-dir:{folder}"
    try:
        facts = json.loads(config.read_text(encoding="utf-8"))
        preprocess = Preprocess(
            size=int(facts["model_cfg"]["vision_cfg"]["image_size"]),
            mean=_triple(facts["preprocess_cfg"]["mean"]),
            std=_triple(facts["preprocess_cfg"]["std"]),
            interpolation=str(facts["preprocess_cfg"]["interpolation"]),
            resize_mode=str(facts["preprocess_cfg"]["resize_mode"]),
        )
        model = open_clip.create_model(source, precision="fp32", device="cpu").eval()
        tokenizer = open_clip.get_tokenizer(source)
    except (KeyError, TypeError, ValueError, RuntimeError, OSError, safetensors.SafetensorError) as error:
        raise ModelError(f"the open_clip model cannot be loaded: {error}", where=str(folder)) from error
    return OpenClip(model, preprocess, tokenizer, weights)


def _triple(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = values
    return float(red), float(green), float(blue)
