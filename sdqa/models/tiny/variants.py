"""Variants of the embedded pipeline that share most of its weights, so that only what differs ships."""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path

from sdqa.errors import ModelError
from sdqa.models.tiny import PIPELINE, WEIGHTS

NO_MID = WEIGHTS / "no_mid"
"""A U-Net without a mid-block, as Tiny SD's: its configuration, and the tensors in which it is not the main one's."""

CONFIG, CHANGED = "config.json", "changed.safetensors"
UNET_WEIGHTS = "diffusion_pytorch_model.safetensors"


def assemble(folder: Path, pipeline: Path = PIPELINE, no_mid: Path = NO_MID) -> None:
    """Write the pipeline without a mid-block, whole, in diffusers format.

    Args:
        folder: is created; must not exist.

    Raises:
        ModelError: a file of either is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file

    try:
        main, changed = load_file(pipeline / "unet" / UNET_WEIGHTS), load_file(no_mid / CHANGED)
        shutil.copytree(pipeline, folder, ignore=shutil.ignore_patterns("unet"))
        (folder / "unet").mkdir()
        shutil.copyfile(no_mid / CONFIG, folder / "unet" / CONFIG)
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"the variant without a mid-block cannot be assembled: {error}", where=str(no_mid), hint="reinstall sdqa"
        ) from error
    shared = {name: tensor for name, tensor in main.items() if not name.startswith("mid_block.")}
    save_file({**shared, **changed}, folder / "unet" / UNET_WEIGHTS, metadata={"format": "pt"})


@functools.cache
def no_mid_pipeline() -> Path:
    """The assembled variant, in a temporary folder that lives as long as the process."""
    folder = Path(_temporary().name) / "tiny-no-mid"
    assemble(folder)
    return folder


@functools.cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="sdqa-")
