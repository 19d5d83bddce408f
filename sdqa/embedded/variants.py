"""Variants of the embedded pipeline that share most of its weights, so that only what differs ships.

A variant is a folder: the configuration of its U-Net, the tensors in which that is not the main one, and, where it
differs, the configuration of its scheduler.
"""

from __future__ import annotations

import functools
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sdqa.embedded import PIPELINE, WEIGHTS
from sdqa.errors import ModelError

VARIANTS: Mapping[str, Path] = {
    "tiny-no-mid": WEIGHTS / "no_mid",
    "tiny-v": WEIGHTS / "v_prediction",
}
"""`tiny-no-mid` has no mid-block, as Tiny SD; `tiny-v` predicts v instead of ε."""

CONFIG, CHANGED, SCHEDULER = "config.json", "changed.safetensors", "scheduler_config.json"
UNET_WEIGHTS = "diffusion_pytorch_model.safetensors"


def assemble(folder: Path, variant: Path, pipeline: Path = PIPELINE) -> None:
    """Write a variant's pipeline, whole, in diffusers format.

    Args:
        folder: is created; must not exist.
        variant: the folder of what differs.

    Raises:
        ModelError: a file of either is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file

    try:
        main, changed = load_file(pipeline / "unet" / UNET_WEIGHTS), load_file(variant / CHANGED)
        has_middle = json.loads((variant / CONFIG).read_text(encoding="utf-8"))["mid_block_type"] is not None
        shutil.copytree(pipeline, folder, ignore=shutil.ignore_patterns("unet"))
        (folder / "unet").mkdir()
        shutil.copyfile(variant / CONFIG, folder / "unet" / CONFIG)
        if (variant / SCHEDULER).is_file():
            shutil.copyfile(variant / SCHEDULER, folder / "scheduler" / SCHEDULER)
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise ModelError(
            f"the variant cannot be assembled: {error}", where=str(variant), hint="reinstall sdqa"
        ) from error
    shared = {name: tensor for name, tensor in main.items() if has_middle or not name.startswith("mid_block.")}
    save_file({**shared, **changed}, folder / "unet" / UNET_WEIGHTS, metadata={"format": "pt"})


@functools.cache
def assembled(name: str) -> Path:
    """A variant's whole pipeline, in a temporary folder that lives as long as the process."""
    folder = Path(_temporary().name) / name
    assemble(folder, VARIANTS[name])
    return folder


@functools.cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="sdqa-")
